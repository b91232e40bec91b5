import numpy as np
import numpy.typing as npt

class Printer:
    def __init__(self, model: str, classes: tuple[int | str, int | str] | None) -> None: ...
    def lines(
        self,
        topic: str,
        partition: int,
        offsets: list[int],
        ids: list[str | int | None],
        predicted: npt.NDArray[np.float64],
        labels: npt.NDArray[np.float64],
        version: int,
    ) -> list[bytes]: ...
