"""CIFAR-10 from a folder, in its binary version or as an image folder (``cifar10:DIR``)."""

from vitspace.data._cifar import Cifar

CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
CIFAR = Cifar(
    name="cifar10",
    folder="cifar-10-batches-bin",
    parts=(tuple(f"data_batch_{number}.bin" for number in range(1, 6)), ("test_batch.bin",)),
    label_bytes=1,
    count=10,
    pickled="cifar-10-batches-py/data_batch_1",
    classes=CLASSES,
)
check, load, files, native_size = CIFAR.check, CIFAR.load, CIFAR.files, CIFAR.native_size
