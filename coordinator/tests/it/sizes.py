"""Scenes whose settings decide how large a picture is, or whether there is one, rendered by Blender.

    python sizes.py WORK

Runs in a runtime's python. Makes `sizes.blend` in the folder WORK, renders every scene of it there and
prints which files that gave, one JSON object for each scene on a line that starts with `rendered `.
"""

import json
import os
import random
import sys

import bpy


def main(work):
    make(work)
    bpy.ops.wm.open_mainfile(filepath=os.path.join(work, "sizes.blend"), use_scripts=False)
    for scene in bpy.data.scenes:
        print("rendered " + json.dumps(render(scene, os.path.join(work, scene.name))), flush=True)


def render(scene, folder):
    """Renders as a worker does: an animation of one frame, into a folder of its own."""
    os.makedirs(folder)
    bpy.context.window.scene = scene
    scene.render.filepath = os.path.join(folder, "f_")
    try:
        bpy.ops.render.render(animation=True)
        error = None
    except RuntimeError as failure:
        error = str(failure)
    return {"scene": scene.name, "files": sorted(os.path.join(folder, name) for name in os.listdir(folder)), "error": error}


def make(work):
    """One file with a scene for each case."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    plain = bpy.context.scene
    plain.name = "plain"
    set_up(plain)
    make_borders()
    make_edits()
    make_composites(plain)
    make_stereo()
    path = os.path.join(work, "sizes.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path, compress=True)
    return path


def new(name, with_camera=True):
    scene = bpy.data.scenes.new(name)
    set_up(scene)
    if not with_camera:
        scene.camera = None
    return scene


def set_up(scene):
    render = scene.render
    render.engine = "CYCLES"
    render.resolution_x, render.resolution_y, render.resolution_percentage = 64, 48, 100
    render.image_settings.file_format = "PNG"
    scene.cycles.samples, scene.cycles.use_denoising = 1, False
    scene.frame_start = scene.frame_end = 1
    scene.camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    scene.collection.objects.link(scene.camera)


def crop(scene, border, is_cropped=True):
    render = scene.render
    render.use_border, render.use_crop_to_border = True, is_cropped
    render.border_min_x, render.border_max_x, render.border_min_y, render.border_max_y = border


def make_borders():
    crop(new("border"), (0.1, 0.6, 0.3, 0.9), is_cropped=False)
    crop(new("border without a pixel"), (0.5, 0.505, 0.0, 1.0))
    crop(new("border of a pixel"), (0.999, 1.0, 0.999, 1.0))
    numbers = random.Random(7)
    for number in range(12):
        scene = new(f"border {number}")
        size = (numbers.randint(20, 300), numbers.randint(20, 300), numbers.choice((33, 50, 77, 100, 150)))
        scene.render.resolution_x, scene.render.resolution_y, scene.render.resolution_percentage = size
        x, y = (sorted(numbers.random() for _ in range(2)) for _ in range(2))
        # Half of them on edges between pixels, where rounding shows.
        if number % 2:
            width, height = (size[axis] * size[2] // 100 for axis in (0, 1))
            x, y = [round(share * width) / width for share in x], [round(share * height) / height for share in y]
        crop(scene, (*x, *y))


def make_edits():
    """The sequencer makes the picture, if it is used and a strip can be seen."""
    add_colour(new("edit", with_camera=False))
    cropped = new("edit with border", with_camera=False)
    add_colour(cropped)
    crop(cropped, (0.25, 0.5, 0.0, 1.0), is_cropped=False)
    unused = new("edit that is off", with_camera=False)
    add_colour(unused)
    unused.render.use_sequencer = False
    new("edit without strips", with_camera=False).sequence_editor_create()
    beside = new("edit with a muted strip", with_camera=False)
    add_colour(beside).mute = True
    add_colour(beside, channel=2)
    if bpy.app.version >= (4, 5, 0):  # before, a muted strip gave a black picture
        add_colour(new("edit that is muted", with_camera=False)).mute = True
        channel = new("edit in a muted channel", with_camera=False)
        add_colour(channel)
        channel.sequence_editor.channels[1].mute = True


def add_colour(scene, channel=1):
    editor = scene.sequence_editor_create()
    strips = editor.strips if hasattr(editor, "strips") else editor.sequences
    end = {"length": 10} if bpy.app.version >= (5, 0, 0) else {"frame_end": 11}
    return strips.new_effect(name="colour", type="COLOR", channel=channel, frame_start=1, **end)


def make_composites(plain):
    """The compositor makes the picture without a camera, unless a node renders the scene."""
    composite(new("nodes", with_camera=False))
    off = new("nodes that are off", with_camera=False)
    composite(off)
    off.render.use_compositing = False
    add_layers(new("nodes that render", with_camera=False))
    add_layers(new("nodes that would render", with_camera=False)).mute = True
    add_layers(new("nodes that render another scene", with_camera=False)).scene = plain
    bordered = new("nodes with border", with_camera=False)
    composite(bordered)
    crop(bordered, (0.1, 0.6, 0.3, 0.9))


def composite(scene):
    if bpy.app.version >= (5, 0, 0):
        tree = scene.compositing_node_group = bpy.data.node_groups.new(scene.name, "CompositorNodeTree")
        tree.interface.new_socket("Image", in_out="OUTPUT", socket_type="NodeSocketColor")
        kinds = ("CompositorNodeRGB", "NodeGroupOutput")
    else:
        scene.use_nodes = True
        tree = scene.node_tree
        tree.nodes.clear()
        kinds = ("CompositorNodeRGB", "CompositorNodeComposite")
    colour, output = (tree.nodes.new(kind) for kind in kinds)
    tree.links.new(colour.outputs[0], output.inputs[0])
    return tree


def add_layers(scene):
    layers = composite(scene).nodes.new("CompositorNodeRLayers")
    layers.scene = scene
    return layers


def make_stereo():
    stereo("views in files", "INDIVIDUAL")
    stereo("views off", "STEREO_3D", "SIDEBYSIDE").render.use_multiview = False
    stereo("one view in a file", "INDIVIDUAL").render.views["right"].use = False
    stereo("views in one file", "MULTIVIEW", form="OPEN_EXR")
    stereo("views in layers", "MULTIVIEW", form="OPEN_EXR_MULTILAYER")
    for mode in ("ANAGLYPH", "INTERLACE", "SIDEBYSIDE", "TOPBOTTOM"):
        stereo(f"views {mode}", "STEREO_3D", mode)
    stereo("views SIDEBYSIDE in EXR", "STEREO_3D", "SIDEBYSIDE", form="OPEN_EXR")
    for mode in ("SIDEBYSIDE", "TOPBOTTOM"):
        squeezed = stereo(f"views squeezed {mode}", "STEREO_3D", mode)
        squeezed.render.image_settings.stereo_3d_format.use_squeezed_frame = True
    crop(stereo("views with border", "STEREO_3D", "SIDEBYSIDE"), (0.1, 0.4, 0.3, 0.9))
    stereo("half a stereo", "STEREO_3D", "SIDEBYSIDE").render.views["right"].use = False
    third = stereo("views of any name", "INDIVIDUAL")
    third.render.views_format = "MULTIVIEW"
    for eye in ("left", "right"):
        third.render.views[eye].use = False
    third.render.views.new("third")


def stereo(name, views, mode="ANAGLYPH", form="PNG"):
    scene = new(name)
    scene.render.use_multiview = True
    settings = scene.render.image_settings
    if hasattr(settings, "media_type") and form == "OPEN_EXR_MULTILAYER":
        settings.media_type = "MULTI_LAYER_IMAGE"
    settings.file_format, settings.views_format = form, views
    settings.stereo_3d_format.display_mode = mode
    return scene


if __name__ == "__main__":
    main(os.path.abspath(sys.argv[1]))
