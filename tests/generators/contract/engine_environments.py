"""The engines of each kind, each with its stateful fake or its real program."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

from pydantic import SecretStr

from foundation.money import Price
from generators.contract.engines import (
    EngineBusy,
    EngineError,
    EngineMissing,
    EngineUnreachable,
    HostedImageEngine,
    ImageEngine,
    JobTooLarge,
    PictureUndelivered,
    Progress,
    PurchaseRecord,
    TextEngine,
    UnusableAnswer,
)
from generators.contract.speech import SpeechEngine, SpeechJob, SpeechUncertain
from generators.engines.images import comfyui, placeholder, replicate, stability
from generators.engines.images.workflows import read_workflow
from generators.engines.speech import elevenlabs, espeak, pico, piper
from generators.engines.text import ollama
from tests.fakes.generators import comfyui as fake_comfy
from tests.fakes.generators import elevenlabs as fake_elevenlabs
from tests.fakes.generators import ollama as fake_ollama
from tests.fakes.generators import replicate as fake_replicate
from tests.fakes.generators import stability as fake_stability
from tests.generators import fake_espeak, fake_nanotts
from tests.generators.builders import a_text_job, an_image_job
from tests.generators.contract.engine_rules import Counting, Failure, World
from tests.generators.engines.speech import test_piper

WORDS = "Bonjour du jardin."
PRICE = Price(Decimal(3), "USD")


def draw_with(engine: ImageEngine) -> Callable[[int, Progress], bytes]:
    return lambda seed, progress: engine.draw(an_image_job(seed=seed), progress).data


def buy_with(
    engine: HostedImageEngine,
) -> tuple[Callable[[int, Progress], bytes], Callable[[], int]]:
    """Buy pictures as the studio does, with a purchase record for each, cancelled when a listener
    stops it. Also return the number that may be billed."""
    slips: list[PurchaseRecord] = []

    def make(seed: int, progress: Progress) -> bytes:
        slips.append(PurchaseRecord(f"ours-{len(slips)}"))
        try:
            return engine.buy(an_image_job(seed=seed), slips[-1], progress).data
        except EngineError:
            raise
        except Exception:
            engine.cancel(slips[-1])
            raise

    assert engine.price(an_image_job()) == PRICE
    return make, lambda: sum(slip.since is not None for slip in slips)


@contextmanager
def placeholders(
    _folder: Path, kind: type[placeholder.PlaceholderEngine] = placeholder.PlaceholderEngine
) -> Iterator[World]:
    yield World(draw_with(kind()))


@contextmanager
def comfy(folder: Path, kind: type[comfyui.ComfyUI] = comfyui.ComfyUI) -> Iterator[World]:
    file = folder / "portrait.json"
    file.write_text(fake_comfy.json.dumps(fake_comfy.workflow()), "utf-8")
    with fake_comfy.serving() as there:

        def ends(told: str) -> Callable[[], None]:
            def cause() -> None:
                there.ends_next = told

            return cause

        fault = fake_comfy.Fault
        yield World(
            draw_with(kind(there.url, read_workflow(str(file)), deadline=0.5)),
            begun=lambda: bool(there.pending or there.running),
            goes_on=lambda: bool(there.pending or there.running),
            failures={
                "refused": Failure(
                    lambda: there.fail("/prompt", fault(status=503)),
                    EngineUnreachable,
                    "engine.server_refused",
                ),
                "broken": Failure(
                    lambda: there.fail("/queue", fault(broken=True)),
                    EngineUnreachable,
                    "engine.answer_broken_off",
                ),
                "hangs": Failure(
                    lambda: there.fail("/queue", fault(hang=True)),
                    EngineUnreachable,
                    "engine.unreachable",
                ),
                "memory": Failure(ends("CUDA out of memory"), JobTooLarge, "engine.server_memory"),
                "fails": Failure(
                    ends("shapes cannot be multiplied"), EngineMissing, "engine.workflow_failed"
                ),
            },
        )


@contextmanager
def stable(_folder: Path, kind: type[stability.Stability] = stability.Stability) -> Iterator[World]:
    refusals = {
        400: (EngineMissing, "order_refused"),
        401: (EngineMissing, "token_refused"),
        402: (EngineMissing, "no_credit"),
        403: (PictureUndelivered, "content_refused"),
        413: (EngineMissing, "order_refused"),
        422: (EngineMissing, "order_refused"),
        429: (EngineBusy, "server_refused"),
        500: (EngineUnreachable, "server_refused"),
        503: (EngineBusy, "server_refused"),
    }
    lost = [fake_replicate.Fault(reset_after=True), fake_replicate.Fault(hang=True)]
    lost += [fake_replicate.Fault(status=status) for status in (502, 504)]
    with fake_stability.serving() as there:

        def meets(fault: fake_replicate.Fault) -> Callable[[], None]:
            return lambda: there.faults.append(fault)

        make, booked = buy_with(
            kind(there.url, SecretStr(fake_stability.TOKEN), "core", {"core": PRICE}, deadline=0.5)
        )
        yield World(
            make,
            booked=booked,
            billed=lambda: there.billed,
            price=1,
            failures={
                str(status): Failure(
                    meets(fake_replicate.Fault(status=status)), error, f"engine.{code}"
                )
                for status, (error, code) in refusals.items()
            }
            | {
                f"lost {number}": Failure(
                    meets(fault), PictureUndelivered, "engine.order_lost", costs=True
                )
                for number, fault in enumerate(lost)
            },
        )


@contextmanager
def replicated(
    _folder: Path, kind: type[replicate.Replicate] = replicate.Replicate
) -> Iterator[World]:
    orders = f"/v1/models/{fake_replicate.MODEL}/predictions"
    refusals = {401: "token_refused", 402: "no_credit", 404: "model_missing", 422: "order_refused"}
    with fake_replicate.serving() as there:

        def meets(status: int) -> Callable[[], None]:
            return lambda: there.fail(orders, fake_replicate.Fault(status=status))

        service = replicate.ReplicateService(
            there.url, SecretStr(fake_replicate.TOKEN), there.files_url
        )
        make, booked = buy_with(
            kind(service, fake_replicate.MODEL, {fake_replicate.MODEL: PRICE}, look=0.02)
        )
        yield World(
            make,
            begun=lambda: any(one["status"] == "processing" for one in there.predictions.values()),
            goes_on=lambda: any(
                one["status"] in ("starting", "processing") for one in there.predictions.values()
            ),
            booked=booked,
            billed=lambda: len(there.billed),
            price=1,
            failures={
                str(status): Failure(meets(status), EngineMissing, f"engine.{code}")
                for status, code in refusals.items()
            },
        )


PICTURES = {
    "placeholder": placeholders,
    "comfyui": comfy,
    "stability": stable,
    "replicate": replicated,
}


def speak_with(engine: SpeechEngine) -> tuple[Callable[[int, Progress], bytes], Callable[[], int]]:
    """Synthesize texts as the studio does, and return also the number of billable characters."""
    booked = 0

    def make(seed: int, _progress: Progress) -> bytes:
        nonlocal booked
        try:
            spoken = engine.synthesize(SpeechJob(WORDS, seed=seed, form="wav"))
        except (SpeechUncertain, UnusableAnswer):
            booked += len(WORDS) if engine.bills else 0
            raise
        booked += spoken.characters if engine.bills else 0
        return spoken.data

    return make, lambda: booked


@contextmanager
def eleven(
    _folder: Path, kind: type[elevenlabs.ElevenLabs] = elevenlabs.ElevenLabs
) -> Iterator[World]:
    with fake_elevenlabs.serving() as there:

        def meets(fault: str) -> Callable[[], None]:
            return lambda: there.faults.append(fault)

        engine = kind(
            SecretStr(fake_elevenlabs.KEY),
            url=there.url,
            model="eleven_multilingual_v2",
            seconds=3.0,
        )
        make, booked = speak_with(engine)
        yield World(
            make,
            tells=False,
            varies=False,
            booked=booked,
            billed=lambda: there.billed,
            price=len(WORDS),
            failures={
                "busy": Failure(meets("system_busy"), EngineUnreachable, "engine.server_refused"),
                "noise": Failure(
                    meets("noise"), UnusableAnswer, "engine.answer_invalid", costs=True
                ),
                **{
                    fault: Failure(
                        meets(fault), SpeechUncertain, "engine.speech_uncertain", costs=True
                    )
                    for fault in ("lose", "hang", "down")
                },
            },
        )


def _failing_once(folder: Path) -> tuple[str, Callable[[str], Callable[[], None]]]:
    """Return Python code that the program runs first from a file, which it deletes, and a function
    that writes the file."""
    file = folder / "failing"
    code = (
        f"import pathlib; f = pathlib.Path({str(file)!r}); what = f.read_text() if f.exists() "
        "else ''"
    )
    return (
        f"{code}; f.unlink(missing_ok=True); exec(what)",
        lambda what: lambda: file.write_text(what) and None,
    )


def _program(fails: Callable[[str], Callable[[], None]], out: str) -> dict[str, Failure]:
    """Return the failures that every speech program shares."""
    return {
        "gives up": Failure(fails("sys.exit(3)"), EngineError, "engine.program_failed"),
        "says nothing": Failure(fails("sys.exit(0)"), EngineError, "engine.program_failed"),
        "hangs": Failure(
            fails("import time; time.sleep(60)"), EngineUnreachable, "engine.program_slow"
        ),
        "no sound": Failure(
            fails(f"open(options[{out!r}], 'w').write('half a sound'); sys.exit(0)"),
            UnusableAnswer,
            "engine.answer_invalid",
        ),
    }


@contextmanager
def marked(folder: Path, kind: type[espeak.Espeak] = espeak.Espeak) -> Iterator[World]:
    before, fails = _failing_once(folder)
    make, booked = speak_with(
        kind(fake_espeak.write_fake_espeak(folder, before=before), seconds=8.0)
    )
    yield World(make, tells=False, varies=False, booked=booked, failures=_program(fails, "-w"))


@contextmanager
def piped(folder: Path, kind: type[piper.Piper] = piper.Piper) -> Iterator[World]:
    before, fails = _failing_once(folder)
    program = Path(test_piper.program(folder))
    program.write_text(program.read_text().replace("with wave.open", f"{before}\nwith wave.open"))
    make, booked = speak_with(
        kind(str(program), test_piper.a_voice(folder / "voices"), seconds=8.0)
    )
    yield World(
        make, tells=False, varies=False, booked=booked, failures=_program(fails, "--output_file")
    )


@contextmanager
def included(folder: Path, kind: type[pico.Pico] = pico.Pico) -> Iterator[World]:
    before, fails = _failing_once(folder)
    make, booked = speak_with(
        kind(fake_nanotts.write_fake_nanotts(folder, before=before), seconds=8.0)
    )
    yield World(make, tells=False, varies=False, booked=booked, failures=_program(fails, "-w"))


SPEECH = {"elevenlabs": eleven, "espeak-ng": marked, "pico": included, "piper": piped}


def write_with(engine: TextEngine) -> tuple[Callable[[int, Progress], bytes], Callable[[], int]]:
    """Write texts as the studio does. Also return the number of requests that may be billed."""
    tally = Counting()
    job = a_text_job(tally=tally, max_tokens=12)
    return lambda seed, _progress: engine.write(
        replace(job, seed=seed)
    ).text.encode(), lambda: tally.booked


@contextmanager
def local_texts(
    _folder: Path, kind: type[ollama.OllamaEngine] = ollama.OllamaEngine
) -> Iterator[World]:
    with fake_ollama.serving() as there:

        def meets(fault: fake_ollama.Fault) -> Callable[[], None]:
            return lambda: there.fail("/api/chat", fault)

        make, booked = write_with(kind(there.url, "llama3.2", seconds=3.0))
        down = Failure(
            meets(fake_ollama.Fault(hang=True)), EngineUnreachable, "engine.unreachable", costs=True
        )
        refused = meets(fake_ollama.Fault(status=503))
        yield World(
            make,
            tells=False,
            varies=False,
            booked=booked,
            billed=lambda: len(there.asked),
            price=1,
            failures={
                "hangs": down,
                "refused": Failure(refused, EngineUnreachable, "engine.server_refused", costs=True),
            },
        )


TEXTS = {"ollama": local_texts}
