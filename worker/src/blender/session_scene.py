"""The file: opening it, laying a job's settings over it, keeping it inside its own directory.

Owns: every change to a scene but the frame. Must not know: the worker, frames, what is rendered when.
"""

import contextlib
import re

import bpy

VERSION = tuple(bpy.app.version)
VIDEO_FORMATS = {"FFMPEG", "AVI_JPEG", "AVI_RAW", "THEORA", "H264", "XVID"}

# What Blender says when it gives up, in the words of all versions that were tried.
FAILURES = (
    ("no camera", "no_camera"),
    ("out of gpu", "out_of_gpu_memory"),
    ("cuda error: out of memory", "out_of_gpu_memory"),
    ("without openimagedenoise", "denoiser_missing"),
    ("no device available to denoise", "denoiser_missing"),
    ("compute capability", "device_missing"),
    ("driver is too old", "device_missing"),
    ("failed to create cuda context", "device_missing"),
    ("out of memory", "out_of_memory"),
    ("malloc returns null", "out_of_memory"),
)


class Refused(Exception):
    """A request that cannot be met, with the kind that the worker acts on."""

    def __init__(self, kind, message):
        super().__init__(message)
        self.kind = kind


def kind_of(message, otherwise):
    lower = message.lower()
    return next((kind for words, kind in FAILURES if words in lower), otherwise)


def load(path):
    newer = header_version(path)
    if newer and newer > VERSION[:2]:
        raise Refused("newer_than_runtime", newer_message(newer))
    try:
        # Registered text blocks and Python drivers of a stranger's file stay off.
        bpy.ops.wm.open_mainfile(filepath=path, use_scripts=False)
    except RuntimeError as error:
        raise Refused(kind_of(str(error), "scene_unreadable"), str(error).strip()) from None
    # Where the header could not be read: Blender loads later files and silently drops what it does not know.
    if tuple(bpy.data.version[:2]) > VERSION[:2]:
        raise Refused("newer_than_runtime", newer_message(bpy.data.version))


def header_version(path):
    """(major, minor) from the header: `BLENDER-v405` or, from 5.0 on, `BLENDER17-01v0500`."""
    try:
        with open(path, "rb") as file:
            head = file.read(17)
            if head.startswith(b"\x28\xb5\x2f\xfd"):
                file.seek(0)
                head = decompressed(file)
    except OSError as error:
        raise Refused("scene_unreadable", f"{error.strerror}") from None
    found = re.match(rb"BLENDER(?:[-_][vV](\d)(\d\d)|\d\d-\d\d[vV](\d\d)(\d\d))", head)
    return tuple(int(part) for part in found.groups() if part is not None) if found else None


def decompressed(file):
    """The first bytes of a compressed file; none where this Python cannot read them, as with Debian's 3.4,
    which a file of 4.2 has crashed."""
    try:
        import zstandard
    except ImportError:
        return b""
    try:
        return zstandard.ZstdDecompressor().stream_reader(file).read(17)
    except zstandard.ZstdError:
        return b""


def newer_message(version):
    return f"saved by Blender {version[0]}.{version[1]}, this is Blender {VERSION[0]}.{VERSION[1]}"


def unfaithful_when_kept(scene):
    """Why persistent data would change pixels, if it would.

    47 small scenes, each with another feature, were rendered with and without it, forwards and in any
    order. These differed: hair particles on a moving object (a few pixels by 1/255), cloth that is not
    baked (a third of the picture), a number of samples that shrinks from one frame to the next, and in
    4.2, but not in 4.5, adaptive subdivision under a moving camera.
    """
    for thing in bpy.data.objects:
        if VERSION < (4, 5) and thing.cycles.use_adaptive_subdivision:
            return f"{thing.name} is subdivided by its distance to the camera"
        for modifier in thing.modifiers:
            if modifier.type in ("FLUID", "DYNAMIC_PAINT", "PARTICLE_SYSTEM"):
                return f"{thing.name} has a {modifier.type.lower().replace('_', ' ')}"
            if modifier.type in ("CLOTH", "SOFT_BODY") and not modifier.point_cache.is_baked:
                return f"the simulation of {thing.name} is not baked"
    animated = [curve for curve in animation_curves(scene) if curve.data_path.startswith("cycles.")]
    if any(curve.data_path != "cycles.seed" for curve in animated):
        return "settings of Cycles are animated"
    return None


def choose_scene(name):
    if name is None:
        return bpy.context.scene
    scene = bpy.data.scenes.get(name)
    if scene is None:
        known = ", ".join(each.name for each in bpy.data.scenes)
        raise Refused("scene_missing", f"no scene is named {name}; there are: {known}")
    bpy.context.window.scene = scene
    return scene


def contain(scene):
    """Keeps a scene from writing anywhere but where the frame goes; says what that changes."""
    warnings = []
    for tree in compositor_trees():
        for node in tree.nodes:
            if node.bl_idname == "CompositorNodeOutputFile" and not node.mute:
                node.mute = True  # it only reads the picture: muting it changes no pixel
                warnings.append(f"the File Output node {node.name} writes nothing here")
    for layer in scene.view_layers:
        if scene.render.use_freestyle and layer.use_freestyle and layer.freestyle_settings.mode == "SCRIPT":
            warnings.append(f"the view layer {layer.name} runs Freestyle scripts from the file")
    return warnings


def compositor_trees():
    own = (getattr(scene, "node_tree", None) for scene in bpy.data.scenes)
    groups = (group for group in bpy.data.node_groups if group.bl_idname == "CompositorNodeTree")
    return [tree for tree in (*own, *groups) if tree is not None]


def apply_settings(scene, settings):
    """Applies what was asked for over what the file says. Returns warnings."""
    wanted = {key: value for key, value in settings.items() if value is not None}
    render, warnings = scene.render, []
    if "camera" in wanted:
        use_camera(scene, wanted["camera"])
    if "engine" in wanted:
        use_engine(scene, wanted["engine"])
    use_format(render, wanted.get("format"), warnings)
    for name, own in (("width", "resolution_x"), ("height", "resolution_y"), ("percentage", "resolution_percentage")):
        if name in wanted:
            override(scene, render, own, wanted[name])
    if "threads" in wanted:
        render.threads_mode = "FIXED"
        render.threads = wanted["threads"]
    # A file that exists already would be skipped, and a placeholder would pass for a picture.
    render.use_overwrite, render.use_placeholder = True, False
    if render.engine == "CYCLES":
        use_cycles(scene, wanted)
    elif render.engine.startswith("BLENDER_EEVEE") and "samples" in wanted:
        override(scene, scene.eevee, "taa_render_samples", wanted["samples"])
    if render.engine != "CYCLES":
        ignored = [name for name in ("denoise", "seed") if name in wanted]
        warnings += [f"{name} has no meaning for {engine_name(render.engine)}" for name in ignored]
    return warnings


def use_camera(scene, name):
    camera = scene.objects.get(name)
    if camera is None or camera.type != "CAMERA":
        known = ", ".join(each.name for each in scene.objects if each.type == "CAMERA") or "none"
        raise Refused("camera_missing", f"no camera is named {name}; there are: {known}")
    scene.camera = camera
    for marker in scene.timeline_markers:  # a marker would switch to its own camera
        marker.camera = None


def use_engine(scene, name):
    # 4.2 to 4.5 call EEVEE by a name of their own, the versions before and after do not.
    ids = {"EEVEE": ("BLENDER_EEVEE_NEXT", "BLENDER_EEVEE"), "WORKBENCH": ("BLENDER_WORKBENCH",)}
    for each in ids.get(name, (name,)):
        with contextlib.suppress(TypeError):
            scene.render.engine = each
            return
    raise Refused("engine_unknown", f"this Blender has no engine {name}")


def engine_name(engine):
    return "EEVEE" if engine.startswith("BLENDER_EEVEE") else engine.removeprefix("BLENDER_")


def use_format(render, name, warnings):
    """One picture a frame. The PNG compression stays the file's own: at the default of 15 % a 1920×1080
    picture is saved in 265 ms and without any in 200 to 330 ms, so nothing is gained by changing it."""
    image = render.image_settings
    if name is None and image.file_format in VIDEO_FORMATS:
        warnings.append(f"{image.file_format} is a video format: frames are saved as PNG")
        name = "PNG"
    if name is None:
        return
    if hasattr(image, "media_type"):
        image.media_type = "MULTI_LAYER_IMAGE" if name == "OPEN_EXR_MULTILAYER" else "IMAGE"
    image.file_format = name


def use_cycles(scene, wanted):
    cycles = scene.cycles
    if "samples" in wanted:
        override(scene, cycles, "samples", wanted["samples"])
    if "seed" in wanted:
        override(scene, cycles, "seed", wanted["seed"])
    if "denoise" in wanted:
        override(scene, cycles, "use_denoising", wanted["denoise"])
        for layer in scene.view_layers:
            if wanted["denoise"]:
                layer.cycles.use_denoising = True
    if "device" in wanted:
        use_device(scene, wanted["device"])


def use_device(scene, kind):
    if kind == "CPU":
        scene.cycles.device = "CPU"
        return
    preferences = bpy.context.preferences.addons["cycles"].preferences
    with contextlib.suppress(TypeError):  # a type that this build does not know
        preferences.compute_device_type = kind
    preferences.refresh_devices()
    matching = [device for device in preferences.devices if device.type == kind]
    if preferences.compute_device_type != kind or not matching:
        raise Refused("device_missing", f"this Blender finds no {kind} device")
    for device in preferences.devices:
        device.use = device.type == kind
    scene.cycles.device = "GPU"


def override(scene, owner, name, value):
    """Sets a property, and takes away what would change it again on every frame: drivers and curves."""
    path = owner.path_from_id(name)
    scene.driver_remove(path)
    for curve in action_curves(scene):
        if curve.data_path == path:
            curve.mute = True
    setattr(owner, name, value)


def animation_curves(scene):
    drivers = list(scene.animation_data.drivers) if scene.animation_data else []
    return action_curves(scene) + drivers


def action_curves(scene):
    action = scene.animation_data.action if scene.animation_data else None
    if action is None:
        return []
    if hasattr(action, "fcurves"):
        return list(action.fcurves)
    bags = (bag for layer in action.layers for strip in layer.strips for bag in strip.channelbags)
    return [curve for bag in bags for curve in bag.fcurves]
