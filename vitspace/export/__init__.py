"""Designs as files for use elsewhere (spec, timm module, ONNX, OpenVINO), with a model card."""

from vitspace.export.folder import export_folder
from vitspace.export.formats import FORMATS, choose_formats
from vitspace.export.model import ExportedModel
from vitspace.export.parity import parity_images
from vitspace.export.run import ExportRequest, export_design

__all__ = [
    "FORMATS",
    "ExportRequest",
    "ExportedModel",
    "choose_formats",
    "export_design",
    "export_folder",
    "parity_images",
]
