"""Which names a new study may have."""

from vitspace.errors import InputError
from vitspace.study.reading import check_name
from vitspace.study.storage import open_storage, storage_file
from vitspace.study.store import GO_ON, name_is_taken, study_names


def check_new(url: str, name: str, taken: bool = False, cure: str = GO_ON) -> None:
    """Check a new study's name without making anything.

    Args:
        url: The storage.
        name: The name.
        taken: Whether a name that is taken is fine, since another is found for it.
        cure: What the error says of a name that is taken.

    Raises:
        InputError: the name is no file name, a study of that name is stored, or the storage cannot be reached.
    """
    check_name(name)
    file = storage_file(url)
    if (file is None or file.exists()) and name in study_names(open_storage(url)) and not taken:
        raise InputError(name_is_taken(name, cure))
    if file and not file.resolve().parent.is_dir():
        raise InputError(f"a storage lies in an existing folder, but there is no {str(file.resolve().parent)!r}")
