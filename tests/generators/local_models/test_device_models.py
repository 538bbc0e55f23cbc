"""What a machine reports that its device can run, without loading torch."""

import os
from pathlib import Path

import pytest

from foundation.ops.settings import GeneratorsSettings
from generators import registry
from generators.local_models import device
from generators.local_models.model_folders import list_fitting_models
from tests.generators import tiny_models
from tests.generators.builders import needs_diffusion

GIBIBYTE = 2**30


def install_driver(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """Install a program in the place of the driver's."""
    program = folder / "nvidia-smi"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")


@pytest.mark.parametrize(
    ("script", "dtype"),
    [
        ("printf '24564\\n81559\\n'", "float16"),
        ("exit 9", "float32"),
        ("echo 'No devices were found'", "float32"),
    ],
)
def test_memory_is_that_of_the_largest_gpu_or_of_the_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, dtype: str
) -> None:
    install_driver(tmp_path, monkeypatch, script)
    found, memory = device.estimate_memory()
    assert found == dtype
    assert memory == int(81559 * 2**20 * 0.9) if dtype == "float16" else memory > GIBIBYTE / 4
    assert device.estimate_memory(512) == (dtype, 512 * 2**20)


def test_machine_without_an_engine_runs_no_model() -> None:
    assert registry.list_device_models(GeneratorsSettings()) == ()
    only = GeneratorsSettings(comfyui_url="http://127.0.0.1:8188")
    assert registry.list_device_models(only) == ("", "comfyui")
    assert list_fitting_models(GeneratorsSettings(diffusion_folder="/nowhere")) == ()


def test_models_that_fit_are_listed_with_the_loras_of_every_agency(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    needs_diffusion()
    install_driver(tmp_path, monkeypatch, "exit 9")
    default = tiny_models.sd15(tmp_path / "default")  # 2.5 MiB
    tiny_models.sd15(tmp_path / "models" / "other")
    tiny_models.lora(tmp_path / "loras" / "agency-1" / "mia.safetensors", default)
    settings = GeneratorsSettings(
        diffusion_folder=str(default),
        diffusion_models=str(tmp_path / "models"),
        diffusion_loras=str(tmp_path / "loras"),
        diffusion_memory_mib=3,
    )
    every = {"", "default", "diffusion", "mia", "other"}
    assert set(registry.list_device_models(settings)) == every
    small = settings.model_copy(update={"diffusion_memory_mib": 2})
    assert set(registry.list_device_models(small)) == {"diffusion", "mia"}
