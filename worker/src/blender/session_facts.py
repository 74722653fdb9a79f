"""What there is to know of a scene, of this process and of this machine. Changes nothing."""

import contextlib
import ctypes
import os

import bpy

from session_scene import engine_name

GPU_TYPES = ("OPTIX", "CUDA", "HIP")


def describe(scene, warnings):
    render = scene.render
    width, height = picture_size(render)
    return {
        "saved_by": list(bpy.data.version[:2]),
        "name": scene.name,
        "camera": scene.camera.name if scene.camera else None,
        "engine": engine_name(render.engine),
        "format": render.image_settings.file_format,
        "width": width,
        "height": height,
        "frame_start": scene.frame_start,
        "frame_end": scene.frame_end,
        "frame_step": scene.frame_step,
        "fps": render.fps / render.fps_base,
        "samples": samples(scene),
        "device": device_in_use(scene),
        "persistent": render.use_persistent_data,
        "missing_files": missing_files(),
        "warnings": warnings,
    }


def picture_size(render):
    """Width and height of the picture that will be written, rounded as Blender rounds."""
    width = render.resolution_x * render.resolution_percentage // 100
    height = render.resolution_y * render.resolution_percentage // 100
    if not (render.use_border and render.use_crop_to_border):
        return width, height

    def pixel(share, size):
        return int(ctypes.c_float(share * size).value)

    return (
        pixel(render.border_max_x, width) - pixel(render.border_min_x, width),
        pixel(render.border_max_y, height) - pixel(render.border_min_y, height),
    )


def samples(scene):
    if scene.render.engine == "CYCLES":
        return scene.cycles.samples
    return scene.eevee.taa_render_samples if scene.render.engine.startswith("BLENDER_EEVEE") else None


def device_in_use(scene):
    if scene.render.engine != "CYCLES":
        return "OpenGL"
    preferences = bpy.context.preferences.addons["cycles"].preferences
    used = [device.name for device in preferences.devices if device.use and device.type != "CPU"]
    if scene.cycles.device == "GPU" and preferences.compute_device_type != "NONE" and used:
        return f"{preferences.compute_device_type}: {', '.join(used)}"
    return "CPU"


def missing_files():
    """Paths that the scene reads and that are not there."""
    missing = []
    for kind, blocks in (
        ("library", bpy.data.libraries),
        ("image", bpy.data.images),
        ("movie clip", bpy.data.movieclips),
        ("font", bpy.data.fonts),
        ("cache", bpy.data.cache_files),
        ("volume", bpy.data.volumes),
        ("sound", bpy.data.sounds),
    ):
        for block in blocks:
            path = external_path(block)
            if path and block.users and not os.path.exists(path):
                missing.append({"kind": kind, "name": block.name, "path": block.filepath})
    return missing


def external_path(block):
    if not block.filepath or block.filepath == "<builtin>" or getattr(block, "packed_file", None):
        return None
    if getattr(block, "source", "FILE") in ("GENERATED", "VIEWER"):
        return None
    path = block.filepath.replace("<UDIM>", "1001").replace("<UVTILE>", "u1_v1")
    return bpy.path.abspath(path, library=block.library)


def memory_use():
    """Resident memory now and at its highest, of this process."""
    with open("/proc/self/status", encoding="ascii", errors="replace") as file:
        lines = dict(line.split(":", 1) for line in file if line.startswith("Vm"))
    now, peak = (int(lines[name].split()[0]) * 1024 for name in ("VmRSS", "VmHWM"))
    return {"memory_bytes": now, "peak_memory_bytes": peak}


def devices():
    """GPUs that Cycles of this build can use, by type. The CPU is always there and is not listed."""
    import _cycles

    found = []
    for kind in GPU_TYPES:
        with contextlib.suppress(Exception):  # a type that this build was made without
            for device in _cycles.available_devices(kind):
                if device[1] == kind:
                    found.append({"type": kind, "name": device[0], "id": device[2]})
    return found
