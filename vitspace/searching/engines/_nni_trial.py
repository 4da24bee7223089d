"""One trial of NNI's: it hands itself to a worker and ends as the worker says.

NNI starts it as a script, ``python -I _nni_trial.py SOCKET``, for each proposal. It imports nothing that takes time.
"""

import os
import socket
import sys

#: What a worker answers when the proposal is evaluated and reported.
DONE = b"+"


def main(address: str) -> int:
    """Have a worker evaluate NNI's proposal; return 1 where the worker was killed before it was done."""
    trial = f"{os.environ['NNI_TRIAL_COMMAND_CHANNEL']}\n"
    with socket.socket(socket.AF_UNIX) as worker:
        worker.connect(address)
        worker.sendall(trial.encode() + os.environ["NNI_TRIAL_JOB_ID"].encode() + b"\n")
        return int(worker.recv(1) != DONE)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
