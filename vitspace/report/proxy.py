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
    return f"Proxy: {training(record.told('proxy'))}. Not ImageNet accuracy."


def measured_after(record: StudyRecord) -> str:
    """What a proxy that trains measures, and after what training."""
    proxy = record.told("proxy")
    return f"{measured(proxy)} after {training(proxy)}"


def measured(proxy: dict[str, Any]) -> str:
    """What a proxy that trains measures; one of another package says it in its record."""
    return str(proxy.get("measures") or "negative validation loss")


def training(proxy: dict[str, Any]) -> str:
    """``40 steps of training from scratch on fractal at 64 px (batch 32)``, without what is not known."""
    text = (
        f"{plural(proxy['steps'], 'step')} of training from scratch"
        if proxy.get("steps")
        else "a short training from scratch"
    )
    text += f" on {proxy['data']}" if proxy.get("data") else ""
    text += f" at {proxy['img_size']} px" if proxy.get("img_size") else ""
    return text + (f" (batch {proxy['batch_size']})" if proxy.get("batch_size") else "")
