"""One live Blender that renders frames on request.

Owns: the conversation with the worker, and rendering a frame. `session_scene.py` opens and changes the
file, `session_facts.py` describes it, `session_builtin.py` builds a scene that needs no file, `session_challenge.py`
lays the numbers of a presence challenge over it. Must not know: HTTP, jobs, leases, or why a frame is wanted.

Runs as `python session.py` with Blender as a module (PyPI `bpy`), and as `blender -b … -P session.py`.
The worker gives it one end of a socket as file descriptor 0; requests and answers are JSON objects, one a line.

    → open    {path, persistent, memory_limit_bytes?, settings: {…}}   ← opened {scene: {…}}  or failed
    → open_builtin  {settings: {…}, stage?: {…}}    ← opened {scene: {…}}                     or failed
    → render  {id, frame, path}          ← progress {id, text}* rendered {id, …}              or failed
    ← ready   {version, version_string, devices}    once, at the start
    ← notice  {message}                             something a creator should know, at any time

A failure is an answer like any other: the session stays usable. `settings` that are absent or null leave
the file's own value. The end of the conversation is the end of this process.
"""

import contextlib
import ctypes
import json
import os
import re
import select
import shutil
import signal
import socket
import sys
import threading
import time
import traceback


class Wire:
    """The worker's socket, moved away from descriptor 0, where neither a scene nor Blender finds it."""

    def __init__(self):
        private = os.dup(0)  # not inheritable: a program that Blender starts cannot hold it either
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.close(nothing)
        self.socket = socket.socket(fileno=private)
        self.lines = self.socket.makefile("r", encoding="utf-8", newline="\n")

    def requests(self):
        for line in self.lines:
            yield json.loads(line)

    def send(self, event, **fields):
        self.socket.sendall(json.dumps({"event": event, **fields}).encode() + b"\n")

    def die_with_the_worker(self):
        """Ends this process group as soon as the worker's end closes, in the middle of a render too.

        A killed worker cannot tell its children. A parent-death signal would not do: it fires when the
        *thread* that started Blender ends. Blender lets other Python threads run while an operator works.
        """
        hangup = select.poll()
        hangup.register(self.socket, 0)

        def wait():
            hangup.poll()
            if os.getpgrp() == os.getpid():
                os.killpg(0, signal.SIGKILL)
            os._exit(1)

        threading.Thread(target=wait, daemon=True).start()


WIRE = Wire()
WIRE.die_with_the_worker()

import bpy  # noqa: E402  the half second that this takes must already be watched

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))  # an isolated Python does not look here
from session_builtin import build  # noqa: E402
from session_challenge import arrange, prepare  # noqa: E402
from session_facts import describe, devices, memory_use  # noqa: E402
from session_scene import (  # noqa: E402
    VERSION,
    Refused,
    apply_settings,
    choose_scene,
    contain,
    kind_of,
    load,
    unfaithful_when_kept,
)


class Session:
    """What is loaded, and the frame that is being rendered."""

    def __init__(self):
        self.scene_name = None
        self.is_builtin = False
        self.memory_limit = None
        self.rendering = None
        self.frame_range = None
        self.said_at = 0.0
        self.last_words = ""

    @property
    def scene(self):
        return bpy.data.scenes[self.scene_name]

    # -- open ---------------------------------------------------------------------------------------

    def open(self, request):
        self.scene_name, self.is_builtin = None, False
        path, settings = request["path"], request.get("settings") or {}
        load(path)
        scene = choose_scene(settings.get("scene"))
        warnings = apply_settings(scene, settings) + contain(scene)
        keep = request.get("persistent", True)
        if keep and (reason := unfaithful_when_kept(scene)):
            keep = False
            warnings.append(f"geometry is not kept between frames: {reason}")
        for each in bpy.data.scenes:  # a scene in a strip or a compositor renders with its own flag
            each.render.use_persistent_data = keep
        self.memory_limit = request.get("memory_limit_bytes")
        self.scene_name = scene.name
        WIRE.send("opened", scene=describe(scene, warnings))

    def open_builtin(self, request):
        """The same request again changes the settings alone: what was built and sent to the device stays."""
        scene = self.scene if self.is_builtin else build()
        if stage := request.get("stage"):
            if "is prepared" not in scene:
                prepare(scene)
                scene["is prepared"] = True
            arrange(scene, stage)
        warnings = apply_settings(scene, request["settings"])
        scene.render.use_persistent_data = True
        self.scene_name, self.is_builtin, self.memory_limit = scene.name, True, None
        WIRE.send("opened", scene=describe(scene, warnings))

    # -- render -------------------------------------------------------------------------------------

    def render(self, request):
        if self.scene_name is None:
            raise Refused("scene_unreadable", "no scene is open")
        target, frame = request["path"], request["frame"]
        self.rendering, self.said_at, self.last_words = request["id"], 0.0, ""
        started = time.monotonic()
        # Blender decides on names: a number, an extension, a suffix per eye, `{…}` templates. It writes
        # into an empty directory beside the target, and what is found there gets the names asked for.
        scratch = target + ".partial"
        shutil.rmtree(scratch, ignore_errors=True)
        try:
            os.mkdir(scratch)
            self.render_frame(frame, scratch)
            paths = deliver(scratch, target)
        except OSError as error:
            raise Refused("nothing_written", f"{error.strerror}: {error.filename}") from None
        finally:
            self.rendering = None
            shutil.rmtree(scratch, ignore_errors=True)
        if not paths:
            raise Refused("nothing_written", self.last_words or "Blender wrote no picture and gave no reason")
        render_ms = round((time.monotonic() - started) * 1000)
        WIRE.send("rendered", id=request["id"], paths=paths, render_ms=render_ms, **memory_use())
        self.spare_memory()

    def render_frame(self, frame, scratch):
        """One frame as an animation of one frame: the very path that a whole animation takes in Blender.

        Setting the frame and rendering a still takes as long (within 2 %), but renders N + ½ where the
        file was saved at half a frame, and does not animate a scene that is not the window's.
        """
        scene, render = self.scene, self.scene.render
        directory = scratch.replace("{", "{{").replace("}", "}}") if VERSION >= (4, 5) else scratch
        render.filepath = os.path.join(directory, "f_")
        self.frame_range = (scene.frame_start, scene.frame_end, scene.frame_step)
        scene.frame_start, scene.frame_end, scene.frame_step = frame, frame, 1
        try:
            if scene.frame_start != frame:  # Blender moves what it does not take to the nearest it does
                raise Refused("other", f"Blender has no frame {frame}")
            bpy.ops.render.render(animation=True)
        except RuntimeError as error:
            raise Refused(kind_of(str(error), "other"), str(error).strip()) from None
        finally:
            self.restore_range()

    def restore_range(self, *_):
        """Gives the scene its own range back once Blender has read ours, before anything is evaluated:
        drivers and modifiers may depend on where an animation starts and ends."""
        if self.frame_range is not None:
            scene, own = self.scene, self.frame_range
            self.frame_range = None
            scene.frame_start, scene.frame_end, scene.frame_step = own

    def report_progress(self, text, *_):
        # Blender says something for every sample; ten times a second is all that anybody looks at.
        now = time.monotonic()
        if self.rendering is None or not isinstance(text, str):
            return
        self.last_words = text
        if now - self.said_at >= 0.1:
            self.said_at = now
            WIRE.send("progress", id=self.rendering, text=text)

    def spare_memory(self):
        """Renders on without persistent data when that has eaten three quarters of the memory allowed."""
        used = memory_use()["memory_bytes"]
        if self.memory_limit and used > 0.75 * self.memory_limit and self.scene.render.use_persistent_data:
            for each in bpy.data.scenes:
                each.render.use_persistent_data = False
            WIRE.send("notice", message="memory is short: geometry is no longer kept between frames")


def deliver(scratch, target):
    """Moves what Blender wrote to the path asked for: one picture, or one per eye with its suffix kept."""
    written = sorted(entry.name for entry in os.scandir(scratch) if entry.stat().st_size > 0)
    stem, extension = os.path.splitext(target)
    paths = []
    for name in written:
        suffix = re.sub(r"^f_-?\d+", "", os.path.splitext(name)[0])
        path = target if len(written) == 1 else stem + suffix + extension
        os.replace(os.path.join(scratch, name), path)
        paths.append(path)
    return paths


def prefer_this_process_to_die():
    # When the machine runs out of memory the kernel should take Blender and leave the worker.
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w", encoding="ascii") as file:
        file.write("900")


def write_logs_by_line():
    # Into a pipe the C library would keep 4 KiB back, and lose them in a crash.
    with contextlib.suppress(OSError, ValueError, AttributeError):
        c = ctypes.CDLL(None)
        c.setvbuf(ctypes.c_void_p.in_dll(c, "stdout"), None, 1, 0)
    sys.stdout.reconfigure(line_buffering=True)


def answer(session, request):
    name = request["do"]
    try:
        {"open": session.open, "open_builtin": session.open_builtin, "render": session.render}[name](request)
    except Refused as refused:
        fail(request, refused.kind, str(refused))
    except MemoryError:
        fail(request, "out_of_memory", "Blender could not get the memory it asked for")
    except Exception:  # whatever a scene makes bpy raise costs one frame, not the session
        fail(request, "script_error", traceback.format_exc(limit=4))


def fail(request, kind, message):
    WIRE.send("failed", id=request.get("id"), kind=kind, message=message)


def main():
    prefer_this_process_to_die()
    write_logs_by_line()
    session = Session()
    # Persistent: loading a file would take them away.
    persistent = bpy.app.handlers.persistent
    bpy.app.handlers.render_init.append(persistent(lambda *_: session.restore_range()))
    bpy.app.handlers.render_stats.append(persistent(lambda *words: session.report_progress(*words)))
    WIRE.send("ready", version=list(VERSION), version_string=bpy.app.version_string, devices=devices())
    for request in WIRE.requests():
        answer(session, request)
    # Blender's own way out tears down what nobody needs any more; it has hung where handlers were left.
    os._exit(0)


main()
