"""How often the tabs of a live run are drawn again, by the number of tabs.

A run that a thread of this process writes five steps a second of, and tabs on its Train page that
ask for their parts as the browser does, without drawing them. What is counted is what a tab is told
in the end: a run of a page whose messages were dropped before they were sent counts as none.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import websockets
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from tests.browser.conftest import serve
from tests.dashboard.compare_page import add_run
from yolo_core.runs.status import RunState
from yolo_core.runs.store import RunStore

QUERY = "run=live"
TERMS = ("xy", "wh", "objectness", "no_object", "classification")
STEPS, WARM_UP = 2000, 3.0


def main() -> None:
    """Prints a line for each number of tabs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tabs", type=int, nargs="+", default=[1, 10, 30])
    parser.add_argument("--seconds", type=float, default=15.0)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        checkpoints = Path(folder).resolve()
        with a_live_run(checkpoints), serve(checkpoints, checkpoints / "dashboard.log") as address:
            for tabs in arguments.tabs:
                gaps = asyncio.run(measure(address, tabs, arguments.seconds))
                looks = [len(each) for each in gaps]
                between = np.concatenate([*gaps, [np.nan]])
                print(
                    f"{tabs:3} tabs: {sum(looks) / arguments.seconds:5.1f} looks a second, "
                    f"{np.nanmedian(between):.2f} s between two of a tab, at most "
                    f"{np.nanmax(between):.2f} s; {looks.count(0)} tabs saw nothing"
                )


@contextlib.contextmanager
def a_live_run(checkpoints: Path) -> Iterator[None]:
    """A run that goes on as long as this is open."""
    folder = add_run(checkpoints, "live", steps=0)
    done = threading.Event()

    def write() -> None:
        with RunStore.open(folder, writable=True) as store:
            store.set_status(state=RunState.RUNNING, steps=10 * STEPS)
            step = 0
            while not done.is_set():
                step += 1
                row = {f"term/{term}": 10 / step for term in TERMS}
                row |= {f"lambda/{term}": 1.0 for term in TERMS}
                store.record_step(step, {"total": 50 / step, **row})
                if step > STEPS:
                    store.heartbeat()
                    done.wait(0.2)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        yield
    finally:
        done.set()
        writer.join()


async def measure(address: str, tabs: int, seconds: float) -> list[list[float]]:
    """Seconds between two runs of the page that each tab was told of."""
    opened = [[] for _ in range(tabs)]
    tasks = [asyncio.create_task(tab(address, told)) for told in opened]
    while not all(opened):
        await asyncio.sleep(0.1)
    await asyncio.sleep(WARM_UP)
    start = time.monotonic()
    await asyncio.sleep(seconds)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return [np.diff([start, *(each for each in told if each > start)]).tolist() for told in opened]


async def tab(address: str, told: list[float]) -> None:
    """One tab; `told` gets the time of every run of its page."""
    url = f"{address.replace('http', 'ws')}/_stcore/stream"
    timers: dict[str, asyncio.Task] = {}
    page = ""
    async with websockets.connect(
        url, subprotocols=["streamlit"], origin=address, max_size=None, ping_interval=None
    ) as socket:

        async def ask(fragment: str = "") -> None:
            message = BackMsg()
            message.rerun_script.query_string = QUERY
            message.rerun_script.page_script_hash = page
            message.rerun_script.context_info.url = address
            if fragment:
                message.rerun_script.fragment_id = fragment
                message.rerun_script.is_auto_rerun = True
            await socket.send(message.SerializeToString())

        async def tick(fragment: str, interval: float) -> None:
            while True:
                await asyncio.sleep(interval)
                await ask(fragment)

        await ask()
        try:
            async for data in socket:
                message = ForwardMsg.FromString(data)
                kind = message.WhichOneof("type")
                if kind == "new_session":
                    page = message.new_session.page_script_hash
                elif kind == "script_finished":
                    told.append(time.monotonic())
                elif kind == "auto_rerun":
                    part = message.auto_rerun
                    if part.fragment_id in timers:
                        timers[part.fragment_id].cancel()
                    timers[part.fragment_id] = asyncio.create_task(
                        tick(part.fragment_id, part.interval)
                    )
        finally:
            for timer in timers.values():
                timer.cancel()


if __name__ == "__main__":
    main()
