"""Copies stored studies, each whole or marked as not yet whole, without torch."""

import optuna
from optuna.storages import BaseStorage

from vitspace.errors import InputError
from vitspace.searching.lease import LeaseTiming, Owner, read_owner
from vitspace.study.passwords import storage_without_password
from vitspace.study.storage import DEFAULT_STORAGE, naming_storage, open_storage, storage_file
from vitspace.study.store import COPYING, StudyStore, check_new, study_names


def copy_study(study: str, to: str, storage: str = DEFAULT_STORAGE, name: str | None = None) -> int:
    """Copy a study with all its trials into a storage, whole or not at all; the copy is resumed like any study.

    What a killed copy left there is no study yet, and is replaced.

    Args:
        study: Its name.
        to: The storage of the copy: a journal file or a database URL; it is made if need be.
        storage: The storage of the study.
        name: The copy's name; None is the study's.

    Returns:
        How many trials were copied.

    Raises:
        InputError: there is no such study, the copy's name is taken or no file name, or a storage cannot be reached.
        FailureError: the storage of the copy fails meanwhile.
    """
    name = name or study
    store = StudyStore.open(storage, study, designs=False)
    file = storage_file(to)
    if file is None or file.exists():
        _remove_half(open_storage(to), name)
    check_new(to, name, cure=f" in {storage_without_password(to)}; give the copy another with --name")
    with naming_storage(to):
        _copy(store, open_storage(to), name)
    return len(store.trials())


def _copy(store: StudyStore, target: BaseStorage, name: str) -> None:
    """Copy a study; its configuration comes last, as a study without one is not whole."""
    try:
        made = optuna.create_study(storage=target, study_name=name, directions=store.study.directions)
    except optuna.exceptions.DuplicatedStudyError:
        raise InputError(f"a copy has a name of its own, but {name!r} was made meanwhile") from None
    try:
        made.set_user_attr(COPYING, Owner.here(LeaseTiming.from_environment().lease).to_dict())
        copy = StudyStore(made)
        for key, value in store.storage.get_study_system_attrs(store.study_id).items():
            target.set_study_system_attr(copy.study_id, key, value)
        attrs = {key: value for key, value in store.study.user_attrs.items() if key != COPYING}
        config = attrs.pop("config")
        copy.set(**attrs)
        made.add_trials(store.frozen())
        copy.set(config=config)
    except BaseException:
        if name in study_names(target):
            optuna.delete_study(study_name=name, storage=target)
        raise


def _remove_half(target: BaseStorage, name: str) -> None:
    """Delete the copy of a name that a killed process left.

    Raises:
        InputError: it is being made.
    """
    if name not in study_names(target):
        return
    store = StudyStore.load(target, name, designs=False, whole=False)
    maker = store.study.user_attrs.get(COPYING)
    if store.is_whole or maker is None:
        return
    owner = read_owner(maker)
    if owner and not owner.gone:
        raise InputError(f"a copy is made once, but {name!r} is being made by {owner}; vitspace studies delete {name}")
    optuna.delete_study(study_name=name, storage=target)
