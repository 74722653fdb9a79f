"""Makes the scenes of the tests: `python blender_scenes.py DIRECTORY`. Small, so that a frame takes 0.1 s."""

import math
import os
import sys

import bpy

OUT = sys.argv[-1]
FRAMES = 5


def empty_stage(engine="CYCLES"):
    """A cube, a lamp and a camera; nothing moves."""
    bpy.ops.wm.read_factory_settings()
    scene = bpy.context.scene
    scene.render.engine = engine
    scene.cycles.samples = 4
    scene.cycles.use_denoising = False
    scene.render.resolution_x, scene.render.resolution_y = 96, 54
    scene.frame_start, scene.frame_end = 1, FRAMES
    return scene, bpy.data.objects["Cube"]


def turn(thing):
    thing.rotation_euler = (0, 0, 0)
    thing.keyframe_insert("rotation_euler", frame=1)
    thing.rotation_euler = (0.4, 0, math.pi / 2)
    thing.keyframe_insert("rotation_euler", frame=FRAMES)


def stage():
    scene, cube = empty_stage()
    turn(cube)
    return scene, cube


def light():
    stage()


def heavy():
    stage()
    for number in range(6):
        bpy.ops.mesh.primitive_monkey_add(location=(number - 3, 2, 0))
        bpy.context.object.modifiers.new("Subdivision", "SUBSURF").render_levels = 3


def motion_blur():
    scene, _ = stage()
    scene.render.use_motion_blur = True
    scene.camera.keyframe_insert("location", frame=1)
    scene.camera.location.x += 3
    scene.camera.keyframe_insert("location", frame=FRAMES)


def denoise():
    scene, _ = stage()
    scene.cycles.use_denoising = True


def cameras():
    """A marker changes the camera half-way."""
    scene, _ = stage()
    first = scene.camera
    bpy.ops.object.camera_add(location=(0, -8, 2), rotation=(1.3, 0, 0))
    bpy.context.object.name = "Front"
    scene.timeline_markers.new("a", frame=1).camera = first
    scene.timeline_markers.new("b", frame=3).camera = bpy.context.object


def frame_range_driver():
    """Where the cube is depends on where the animation starts and ends."""
    scene, cube = stage()
    driver = cube.driver_add("location", 2).driver
    for name, path in (("first", "frame_start"), ("last", "frame_end")):
        variable = driver.variables.new()
        variable.name = name
        variable.targets[0].id_type = "SCENE"
        variable.targets[0].id = scene
        variable.targets[0].data_path = path
    driver.expression = "(frame - first) / (last - first + 0.01)"


def hair():
    """Particles on a moving object: persistent data would change some pixels."""
    stage()
    bpy.ops.mesh.primitive_plane_add(size=4)
    plane = bpy.context.object
    plane.modifiers.new("Hair", "PARTICLE_SYSTEM")
    settings = plane.particle_systems[0].settings
    settings.type, settings.count, settings.hair_length = "HAIR", 60, 0.5
    turn(plane)


def compositor():
    """Brightens over time; a File Output node wants to write beside it."""
    scene, _ = stage()
    beside = os.path.join(OUT, "written-by-a-node")
    if hasattr(scene, "compositing_node_group"):
        tree = bpy.data.node_groups.new("Compositing", "CompositorNodeTree")
        scene.compositing_node_group = tree
        tree.interface.new_socket("Image", in_out="OUTPUT", socket_type="NodeSocketColor")
        layers, end = tree.nodes.new("CompositorNodeRLayers"), tree.nodes.new("NodeGroupOutput")
        file_output = tree.nodes.new("CompositorNodeOutputFile")
        file_output.directory = beside
        file_output.file_output_items.new("RGBA", "Image")
    else:
        scene.use_nodes = True
        tree = scene.node_tree
        layers, end = tree.nodes["Render Layers"], tree.nodes["Composite"]
        file_output = tree.nodes.new("CompositorNodeOutputFile")
        file_output.base_path = beside
    exposure = tree.nodes.new("CompositorNodeExposure")
    for frame, value in ((1, 0.0), (FRAMES, 2.0)):
        exposure.inputs[1].default_value = value
        exposure.inputs[1].keyframe_insert("default_value", frame=frame)
    tree.links.new(layers.outputs[0], exposure.inputs[0])
    tree.links.new(exposure.outputs[0], end.inputs[0])
    tree.links.new(layers.outputs[0], file_output.inputs[0])


def no_camera():
    stage()
    bpy.data.objects.remove(bpy.context.scene.camera)


def two_scenes():
    stage()
    bpy.ops.scene.new(type="FULL_COPY")
    bpy.context.scene.name = "Second"
    bpy.context.scene.render.resolution_x = 64
    bpy.context.window.scene = bpy.data.scenes["Scene"]


def scripts():
    """A registered text and a driver in Python, each of which would leave a file."""
    _, cube = stage()
    text = bpy.data.texts.new("run.py")
    text.use_module = True
    text.write(f"open({OUT + '/script-ran'!r}, 'w')")
    driver = cube.driver_add("location", 0).driver
    driver.expression = f"(open({OUT + '/driver-ran'!r}, 'w') and 1) or 1"


def missing_image():
    _, cube = stage()
    image = bpy.data.images.new("Paint", 8, 8)
    image.source, image.filepath = "FILE", os.path.join(OUT, "not-there.png")
    nodes = cube.active_material.node_tree.nodes
    nodes.new("ShaderNodeTexImage").image = image


def video():
    scene, _ = stage()
    if hasattr(scene.render.image_settings, "media_type"):
        scene.render.image_settings.media_type = "VIDEO"
    scene.render.image_settings.file_format = "FFMPEG"


def memory_eater():
    """Ten million faces: more than a gigabyte."""
    _, cube = stage()
    cube.modifiers.new("Subdivision", "SUBSURF").render_levels = 10


def long_frame():
    """A frame that takes minutes. Large: of a small one Cycles takes thousands of samples at a go."""
    scene, _ = stage()
    scene.render.resolution_x, scene.render.resolution_y = 1920, 1080
    scene.cycles.samples = 10_000
    scene.cycles.use_adaptive_sampling = False


def crop():
    scene, _ = stage()
    render = scene.render
    render.use_border = render.use_crop_to_border = True
    render.border_min_x, render.border_max_x = 0.23, 0.71
    render.border_min_y, render.border_max_y = 0.1, 0.77


SCENES = (
    light, heavy, motion_blur, denoise, cameras, frame_range_driver, hair, compositor, no_camera,
    two_scenes, scripts, missing_image, video, memory_eater, long_frame, crop,
)  # fmt: skip

for make in SCENES:
    make()
    bpy.ops.wm.save_as_mainfile(filepath=os.path.join(OUT, make.__name__ + ".blend"), relative_remap=False)

light()
bpy.ops.wm.save_as_mainfile(filepath=os.path.join(OUT, "compressed.blend"), compress=True)

# Blender's own way out has hung.
sys.stdout.flush()
os._exit(0)
