"""CIFAR-100 by its 100 fine labels, in its binary version or as an image folder (``cifar100:DIR``)."""

from vitspace.data._cifar import Cifar

CIFAR = Cifar(
    name="cifar100",
    folder="cifar-100-binary",
    parts=(("train.bin",), ("test.bin",)),
    label_bytes=2,
    count=100,
    pickled="cifar-100-python/train",
)
check, load, files, native_size = CIFAR.check, CIFAR.load, CIFAR.files, CIFAR.native_size
