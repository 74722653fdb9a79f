"""Blender's own opinion of .blend files, for the tests of the coordinator's reader.

    python judge.py WORK FILE...

Runs in a runtime's python. Makes its own scenes in the folder WORK, then opens them and every FILE,
and prints what Blender sees in each as one JSON object on a line that starts with `judged `.
"""

import json
import os
import shutil
import sys
import wave

import bpy

import pictures
import sizes


def main(work, files):
    made = [make_many_scenes(work), make_every_dependency(work), make_plain_library(work), sizes.make(work)]
    for path in made + files:
        print("judged " + json.dumps(judge(path)), flush=True)


def judge(path):
    bpy.ops.wm.open_mainfile(filepath=path, load_ui=True, use_scripts=False)
    return {
        "file": path,
        "version": list(bpy.data.version),
        "active_scene": bpy.context.window.scene.name,
        "scenes": {scene.name: scene_facts(scene) for scene in bpy.data.scenes if not scene.library},
        "dependencies": sorted({(kind, extent, path) for kind, extent, path in dependencies() if path}),
        "paths": sorted(every_path()),
    }


def every_path():
    """What Blender's own path tool lists, less what is no dependency of the file."""
    listed = set(bpy.utils.blend_paths(absolute=False, packed=False, local=True))
    # Where appended things once came from.
    origins = {thing.library_weak_reference.filepath for thing in every_id() if thing.library_weak_reference}
    packed = {library.filepath for library in bpy.data.libraries if not is_outside(library)}
    return {path for path in listed - origins - packed if not is_blenders_own(path)}


def every_id():
    members = (getattr(bpy.data, name) for name in dir(bpy.data))
    collections = (member for member in members if isinstance(member, bpy.types.bpy_prop_collection))
    return [thing for collection in collections for thing in collection if isinstance(thing, bpy.types.ID)]


def is_blenders_own(path):
    """Blender links its brushes into every file it opens."""
    return path.startswith(bpy.utils.system_resource("DATAFILES"))


def scene_facts(scene):
    render = scene.render
    return {
        "frame_start": scene.frame_start,
        "frame_end": scene.frame_end,
        "frame_step": scene.frame_step,
        "engine": render.engine,
        "resolution_x": render.resolution_x,
        "resolution_y": render.resolution_y,
        "resolution_percentage": render.resolution_percentage,
        "fps": render.fps / render.fps_base,
        "format": render.image_settings.file_format,
        "is_video": render.is_movie_format,
        "has_camera": scene.camera is not None,
        "renders_without_camera": pictures.is_sequenced(scene) or pictures.is_composited(scene),
        "border": pictures.border(scene),
        "views": pictures.views(render),
    }


def dependencies():
    """Kind, extent and stored path of everything Blender keeps outside the file."""
    extents = {"SEQUENCE": "sequence", "TILED": "tiles", "FILE": "file", "MOVIE": "file"}
    for image in local(bpy.data.images):
        if image.source in extents and not image.packed_files:
            yield "image", extents[image.source], image.filepath_raw
    for library in bpy.data.libraries:
        if is_outside(library) and not is_blenders_own(library.filepath):
            yield "library", "file", library.filepath
    for sound in local(bpy.data.sounds):
        if not sound.packed_file:
            yield "sound", "file", sound.filepath
    for font in local(bpy.data.fonts):
        if not font.packed_file and font.filepath != "<builtin>":
            yield "font", "file", font.filepath
    for clip in local(bpy.data.movieclips):
        yield "movie_clip", extents[clip.source], clip.filepath
    for volume in local(bpy.data.volumes):
        if not volume.packed_file:
            yield "volume", "sequence" if volume.is_sequence else "file", volume.filepath
    for cache in local(bpy.data.cache_files):
        yield "cache_file", "sequence" if cache.is_sequence else "file", cache.filepath
        for layer in cache.layers:
            yield "cache_file", "file", layer.filepath
    for scene in local(bpy.data.scenes):
        yield from strip_dependencies(scene)
    for thing in local(bpy.data.objects):
        yield from object_dependencies(thing)
    for tree in node_trees():
        for node in tree.nodes:
            if node.bl_idname in ("ShaderNodeScript", "ShaderNodeTexIES") and node.mode == "EXTERNAL":
                yield "script" if node.bl_idname == "ShaderNodeScript" else "ies", "file", node.filepath


def is_outside(library):
    """Something is linked from it, and not packed: neither whole (all versions) nor in parts (5.0)."""
    linked = [thing for thing in library.users_id if not getattr(thing.library, "is_archive", False)]
    return linked and not library.packed_file


def strip_dependencies(scene):
    editor = scene.sequence_editor
    if not editor:
        return
    strips = editor.strips_all if hasattr(editor, "strips_all") else editor.sequences_all
    for strip in strips:
        if strip.type == "IMAGE":
            extent = "sequence" if len(strip.elements) > 1 else "file"
            yield "image", extent, strip.directory + strip.elements[0].filename
        elif strip.type == "MOVIE":
            yield "movie", "file", strip.filepath


def object_dependencies(thing):
    for modifier in thing.modifiers:
        if modifier.type == "MESH_CACHE":
            yield "mesh_cache", "file", modifier.filepath
        elif modifier.type == "OCEAN" and modifier.is_cached:
            yield "simulation", "folder", modifier.filepath
        elif modifier.type == "FLUID" and modifier.fluid_type == "DOMAIN":
            yield "simulation", "folder", modifier.domain_settings.cache_directory
        elif modifier.type == "NODES":
            for bake in modifier.bakes:
                yield from bake_dependencies(modifier, bake)
    for system in thing.particle_systems:
        if system.point_cache.use_external:
            yield "simulation", "folder", system.point_cache.filepath


def bake_dependencies(modifier, bake):
    target = getattr(bake, "bake_target", "DISK")
    if target == "INHERIT":
        target = modifier.bake_target
    if target != "PACKED":
        yield "simulation", "folder", bake.directory if bake.use_custom_path else modifier.bake_directory


def node_trees():
    owners = [*local(bpy.data.materials), *local(bpy.data.lights), *local(bpy.data.worlds)]
    return [*local(bpy.data.node_groups), *(owner.node_tree for owner in owners if owner.node_tree)]


def local(things):
    return [thing for thing in things if not thing.library]


def make_many_scenes(work):
    """Several scenes with nothing in common, saved without compression."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    still = bpy.context.scene
    still.name = "Still \u00e9t\u00e9"
    set_up(still, (7, 7, 1), "CYCLES", (640, 360, 25), "OPEN_EXR")
    film = bpy.data.scenes.new("Film")
    set_up(film, (-12, 1_000_000, 5), eevee(), (3840, 2160, 150), "FFMPEG")
    film.render.fps, film.render.fps_base = 30, 1.001
    film.camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    film.collection.objects.link(film.camera)
    layers = bpy.data.scenes.new("Layers")
    set_up(layers, (100, 200, 10), "BLENDER_WORKBENCH", (64, 65, 100), "OPEN_EXR_MULTILAYER")
    for number, form in enumerate(("JPEG", "TIFF", "WEBP", "BMP", "TARGA", "HDR")):
        set_up(bpy.data.scenes.new(form), (1, number + 1, 1), "CYCLES", (100, 100, 100), form)
    # A camera that belongs to no collection is not saved, but the scene goes on pointing at it.
    layers.camera = bpy.data.objects.new("Stray", bpy.data.cameras.new("Stray"))
    bpy.context.window.scene = layers
    return save(work, "many-scenes.blend", compress=False)


def set_up(scene, frames, engine, size, form):
    scene.frame_start, scene.frame_end, scene.frame_step = frames
    render = scene.render
    render.engine = engine
    render.resolution_x, render.resolution_y, render.resolution_percentage = size
    settings = render.image_settings
    if hasattr(settings, "media_type"):
        media = {"FFMPEG": "VIDEO", "OPEN_EXR_MULTILAYER": "MULTI_LAYER_IMAGE"}
        settings.media_type = media.get(form, "IMAGE")
    settings.file_format = form


def eevee():
    return "BLENDER_EEVEE_NEXT" if bpy.app.version < (5, 0, 0) else "BLENDER_EEVEE"


def make_plain_library(work):
    """A file to link from, and the smallest there is."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    return save(work, "plain-library.blend", compress=False)


def make_every_dependency(work):
    """One of each thing that can name a file, and of each that looks like one but does not."""
    library = make_linked_library(work)
    bpy.ops.wm.read_factory_settings(use_empty=True)
    path = save(work, "every-dependency.blend", compress=True)
    make_images(work)
    sound = write_sound(work, "beep.wav")
    bpy.data.sounds.load(sound).filepath = "//beep.wav"
    bpy.data.sounds.load(sound).pack()
    font = bpy.data.fonts.load(a_font())
    font.use_fake_user, font.filepath = True, "//fonts/a.woff2"
    clip = bpy.data.movieclips.load(os.path.join(work, "picture.png"))
    clip.filepath = "//clip/shot_0001.png"
    volume = bpy.data.volumes.new("Smoke")
    volume.filepath, volume.is_sequence, volume.use_fake_user = "//vdb/smoke_0001.vdb", True, True
    with bpy.data.libraries.load(library, relative=True) as (source, target):
        target.objects = ["Linked"]
    # Blender forgets what nobody uses, linked or not.
    modified = modified_object()
    with bpy.data.libraries.load(library, link=True, relative=True) as (source, target):
        target.materials = source.materials
    if bpy.app.version >= (5, 0, 0):
        packed = make_copy(library, "packed.blend")
        with bpy.data.libraries.load(packed, link=True, relative=True, pack=True) as (source, target):
            target.materials = source.materials
    for material in bpy.data.materials:
        modified.data.materials.append(material)
    bpy.context.scene.collection.objects.link(modified)
    make_nodes()
    make_strips(work)
    keep = [*bpy.data.images, *bpy.data.sounds, *bpy.data.movieclips, *local(bpy.data.materials)]
    for thing in keep:
        thing.use_fake_user = True
    return save(work, os.path.basename(path), compress=True)


def make_linked_library(work):
    bpy.ops.wm.read_factory_settings(use_empty=True)
    material = bpy.data.materials.new("Shared")
    material.use_fake_user = True
    thing = bpy.data.objects.new("Linked", None)
    thing.use_fake_user = True
    return save(work, os.path.join("lib", "linked.blend"), compress=True)


def make_copy(path, name):
    return shutil.copy(path, os.path.join(os.path.dirname(path), name))


def make_images(work):
    picture = bpy.data.images.new("made", 8, 8)
    picture.filepath_raw, picture.file_format = os.path.join(work, "picture.png"), "PNG"
    picture.save()
    load = bpy.data.images.load
    load(os.path.join(work, "picture.png")).filepath_raw = "//tex/relative.png"
    load(os.path.join(work, "picture.png")).filepath_raw = "/home/artist/absolute.png"
    load(os.path.join(work, "picture.png")).filepath_raw = "//..\\up\\windows.png"
    load(os.path.join(work, "picture.png")).pack()
    bpy.data.images.new("generated", 8, 8)
    families = {
        "SEQUENCE": "//seq/frame_0001.exr",
        "TILED": "//tiles/skin.<UDIM>.png",
        "MOVIE": "//film.mp4",
    }
    for source, stored in families.items():
        image = load(os.path.join(work, "picture.png"))
        image.source, image.filepath_raw = source, stored


def write_sound(work, name):
    path = os.path.join(work, name)
    with wave.open(path, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(bytes(8000))
    return path


def a_font():
    folder = os.path.join(bpy.utils.system_resource("DATAFILES"), "fonts")
    return os.path.join(folder, sorted(name for name in os.listdir(folder) if name.endswith("woff2"))[0])


def modified_object():
    mesh = bpy.data.meshes.new("Mesh")
    mesh.from_pydata([(0, 0, 0), (1, 0, 0), (0, 1, 0)], [], [(0, 1, 2)])
    thing = bpy.data.objects.new("Modified", mesh)
    thing.modifiers.new("cache", "MESH_CACHE").filepath = "//caches/body.mdd"
    # Not baked, so it reads nothing.
    thing.modifiers.new("ocean", "OCEAN").filepath = "//caches/ocean"
    fluid = thing.modifiers.new("fluid", "FLUID")
    # Or Blender simulates, and writes, whenever the scene is looked at.
    fluid.show_viewport = False
    fluid.fluid_type = "DOMAIN"
    fluid.domain_settings.cache_directory = "//caches/fluid"
    thing.modifiers.new("particles", "PARTICLE_SYSTEM")
    cache = thing.particle_systems[0].point_cache
    cache.use_external, cache.filepath = True, "//caches/hair"
    for number, target in enumerate(("DISK", "PACKED")):
        bake_nodes(thing.modifiers.new("nodes", "NODES"), number, target)
    return thing


def bake_nodes(modifier, number, target):
    """Two bakes: one in the modifier's folder, one in its own."""
    group = bpy.data.node_groups.new("Nodes", "GeometryNodeTree")
    group.nodes.new("GeometryNodeBake")
    group.nodes.new("GeometryNodeBake")
    modifier.node_group = group
    modifier.bake_directory = f"//caches/nodes{number}"
    if hasattr(modifier, "bake_target"):
        modifier.bake_target = target
    modifier.bakes[1].use_custom_path = True
    modifier.bakes[1].directory = f"//caches/own{number}"


def make_nodes():
    material = bpy.data.materials.new("Nodes")
    material.use_nodes = True
    nodes = material.node_tree.nodes
    for kind, stored in (("ShaderNodeScript", "//shaders/toon.osl"), ("ShaderNodeTexIES", "//lamps/spot.ies")):
        outside = nodes.new(kind)
        outside.mode, outside.filepath = "EXTERNAL", stored
        # A path that stays behind when the node is switched to a text inside the file.
        inside = nodes.new(kind)
        inside.mode, inside.filepath = "EXTERNAL", "//left/behind"
        inside.mode = "INTERNAL"


def make_strips(work):
    editor = bpy.context.scene.sequence_editor_create()
    strips = editor.strips if hasattr(editor, "strips") else editor.sequences
    frame = os.path.join(work, "picture.png")
    strips.new_image("still", frame, 1, 1).directory = "//edit/"
    several = strips.new_image("several", frame, 2, 1)
    several.elements.append("picture_0002.png")
    several.directory = "//edit/seq/"
    strips.new_movie("film", frame, 3, 1).filepath = "//edit/film.mov"
    if bpy.app.build_options.audaspace:
        strips.new_sound("beep", os.path.join(work, "beep.wav"), 4, 1)
    strips.new_effect(name="colour", type="COLOR", channel=5, frame_start=1, **effect_end(10))


def effect_end(length):
    return {"length": length} if bpy.app.version >= (5, 0, 0) else {"frame_end": 1 + length}


def save(work, name, compress):
    path = os.path.join(work, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    bpy.ops.wm.save_as_mainfile(filepath=path, compress=compress, relative_remap=False)
    return path


if __name__ == "__main__":
    main(os.path.abspath(sys.argv[1]), sys.argv[2:])
