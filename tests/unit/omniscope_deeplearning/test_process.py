"""What a process of the service makes of the machine that it runs on."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from omniscope_deeplearning import engines, settings
from omniscope_deeplearning.settings import DeepLearningSettings
from omniscope_service.errors import FailedPrecondition


def test_where_every_engine_is_installed_nothing_is_refused() -> None:
    engines.check_engines_installed()


def test_an_engine_that_is_missing_is_named_with_how_to_install_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(engines, "find_spec", lambda name: None if name == "torch" else name)

    with pytest.raises(
        FailedPrecondition, match=r"needs torch, .* omniscope\[deeplearning\]"
    ) as no:
        engines.check_engines_installed()

    assert no.value.reason == "ENGINE_NOT_INSTALLED"


@pytest.mark.parametrize(
    ("accelerator", "device", "torch", "expected"),
    [
        ("auto", "nvidia0", "2.13.0", ("cpu", "gpu")),
        ("auto", "nvidia0", "2.13.0+cpu", ("cpu",)),
        ("auto", "nvidia0", None, ("cpu",)),
        ("auto", "none", "2.13.0", ("cpu",)),
        ("cpu", "nvidia0", "2.13.0", ("cpu",)),
        ("gpu", "none", "2.13.0+cpu", ("gpu",)),
    ],
)
def test_a_process_works_on_the_jobs_that_its_machine_suits(
    accelerator: str,
    device: str,
    torch: str | None,
    expected: tuple[str, ...],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "nvidia0").touch()
    monkeypatch.setattr(settings, "_GPU_DEVICE", tmp_path / device)
    installed = [SimpleNamespace(version=torch)] if torch else []
    monkeypatch.setattr(settings, "distributions", lambda name: installed)
    monkeypatch.setenv("OMNISCOPE_DEEPLEARNING_ACCELERATOR", accelerator)

    assert DeepLearningSettings(home=tmp_path).usable_classes(("cpu", "gpu")) == expected
