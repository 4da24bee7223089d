"""The proxy of a stored study: its name, and what it measures in words."""

from typing import Any

from vitspace.proxies import trains as trains_by_name
from vitspace.proxies.names import scores_name
from vitspace.proxies.names import typed as typed_name
from vitspace.study.record import StudyRecord
from vitspace.words import plural


def proxy_name(record: StudyRecord) -> str:
    """The name under which the proxy's scores are kept, ``train:tiny``, with its data where they are not its own."""
    return scores_name(record.told("proxy"), record.config.proxy)


def typed(record: StudyRecord) -> tuple[str, str]:
    """The proxy as it was asked for, of halving the highest rung, and its data where the name does not hold them."""
    return typed_name(record.told("proxy"), record.config.proxy)


def own_name(record: StudyRecord) -> str:
    """The name that the proxy gives itself."""
    return str(record.told("proxy").get("name", record.config.proxy))


def trains(record: StudyRecord) -> bool:
    """Whether the study's proxy trains its designs."""
    told = record.told("proxy").get("trains")
    return trains_by_name(record.config.proxy) if told is None else bool(told)


def rests_on(record: StudyRecord) -> str:
    """What decides the proxy's scores where no seed does, as shared weights; empty where a seed does."""
    return str(record.told("proxy").get("rests_on") or "")


def trains_each(record: StudyRecord) -> bool:
    """Whether each design is trained by itself, and none is scored with weights that are there."""
    return trains(record) and not rests_on(record)


def proxy_word(record: StudyRecord) -> str:
    """What a proxy's number is called beside others: ``proxy score``, or ``params, training-free``."""
    return "proxy score" if trains(record) else f"{own_name(record)}, training-free"


def proxy_label(record: StudyRecord) -> str:
    """What an axis of the proxy's scores is called."""
    what = measured(record.told("proxy")).replace("negative ", "\N{MINUS SIGN}")
    return f"proxy score ({what})" if trains(record) else f"training-free score {own_name(record)}"


def proxy_note(record: StudyRecord) -> str:
    """What the proxy measured, in the size of a caption."""
    if not trains(record):
        return f"Training-free proxy {own_name(record)}: no accuracy."
    return f"Proxy: {rests_on(record) or training(record.told('proxy'))}. Not ImageNet accuracy."


def measured_after(record: StudyRecord) -> str:
    """What a proxy that trains measures, and after what training, or with which weights."""
    proxy, settled = record.told("proxy"), rests_on(record)
    return f"{measured(proxy)} with {settled}" if settled else f"{measured(proxy)} after {training(proxy)}"


def measured(proxy: dict[str, Any]) -> str:
    """What a proxy that trains measures; one of another package says it in its record."""
    return str(proxy.get("measures") or "negative validation loss")


def training(proxy: dict[str, Any]) -> str:
    """``40 steps of training from scratch on fractal at 64 px (batch 32)``, without what is not known.

    Where it begins with trained weights, these stand at the end.
    """
    begins = proxy.get("begins_with")
    text = f"{plural(proxy['steps'], 'step')} of training" if proxy.get("steps") else "a short training"
    text += "" if begins else " from scratch"
    text += f" on {proxy['data']}" if proxy.get("data") else ""
    text += f" at {proxy['img_size']} px" if proxy.get("img_size") else ""
    text += f" (batch {proxy['batch_size']})" if proxy.get("batch_size") else ""
    return f"{text} from {begins}" if begins else text
