"""Makes Pictor's sample scene: a ball bounces on a field of columns and sends ripples through it.

    python sample_scene.py OUT.blend                      with a Python that has bpy
    blender -b -P sample_scene.py -- OUT.blend            with an installed Blender

24 frames that loop without a seam: the ball lands once, every ripple is back where it was, and the
camera goes a sixth around a field that looks the same from six sides. Everything is made here, from
nothing, so that the repository holds no binary file.
"""

import math
import sys
from pathlib import Path

import bpy
from mathutils import Vector

FRAMES = 24
RINGS = 10
COLUMN_HEIGHT = 4.0
BALL_RADIUS = 0.95
BALL_JUMP = 2.2

# From the middle outwards, linear RGB.
GRADIENT = [
    (0.00, (1.00, 0.62, 0.16)),
    (0.22, (0.95, 0.22, 0.10)),
    (0.45, (0.62, 0.06, 0.22)),
    (0.70, (0.16, 0.05, 0.36)),
    (1.00, (0.02, 0.06, 0.22)),
]


def main() -> None:
    out = Path(output_argument()).resolve()
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    scene.name = "Ripple"
    set_output(scene)
    set_cycles(scene)
    set_world(scene)
    add_field(scene)
    add_ball(scene)
    add_camera_and_lights(scene)
    scene.frame_set(1)
    bpy.ops.wm.save_as_mainfile(filepath=str(out), compress=True)


def output_argument() -> str:
    args = sys.argv[sys.argv.index("--") + 1 :] if "--" in sys.argv else sys.argv[1:]
    if len(args) != 1:
        sys.exit("usage: sample_scene.py OUT.blend")
    return args[0]


# ------------------------------------------------------------------ settings


def set_output(scene: bpy.types.Scene) -> None:
    scene.frame_start, scene.frame_end = 1, FRAMES
    render = scene.render
    render.fps = 24
    render.resolution_x, render.resolution_y = 960, 540
    render.resolution_percentage = 50
    render.image_settings.file_format = "PNG"
    render.image_settings.color_mode = "RGB"
    render.use_persistent_data = True
    choose(scene.view_settings, "view_transform", "AgX", "Filmic")
    choose(scene.view_settings, "look", "AgX - Medium High Contrast", "Medium High Contrast")


def set_cycles(scene: bpy.types.Scene) -> None:
    scene.render.engine = "CYCLES"
    cycles = scene.cycles
    cycles.device = "CPU"
    cycles.use_adaptive_sampling = False
    cycles.max_bounces = 2
    cycles.use_light_tree = False
    cycles.caustics_reflective = cycles.caustics_refractive = False
    # Some distributions build Blender without a denoiser.
    cycles.use_denoising = choose(cycles, "denoiser", "OPENIMAGEDENOISE")
    # Blue noise is what a denoiser clears best when there are few samples.
    cycles.samples = 2 if cycles.use_denoising else 48
    choose(cycles, "sampling_pattern", "BLUE_NOISE")
    # Softer edges hide how few they are.
    cycles.filter_width = 2.0
    choose(cycles, "denoising_quality", "FAST")
    # Half the time of a frame went into cleaning the denoiser's guides; nobody sees the difference.
    choose(cycles, "denoising_prefilter", "FAST")


def choose(owner: object, attribute: str, *values: str) -> bool:
    """Sets the first of the values that this Blender knows; false if it knows none."""
    for value in values:
        try:
            setattr(owner, attribute, value)
            return True
        except (TypeError, AttributeError):
            continue
    return False


def set_world(scene: bpy.types.Scene) -> None:
    world = bpy.data.worlds.new("Night")
    scene.world = world
    use_nodes(world)
    background = world.node_tree.nodes["Background"]
    background.inputs["Color"].default_value = (0.028, 0.05, 0.13, 1)
    background.inputs["Strength"].default_value = 0.7


# ------------------------------------------------------------------ the field


def add_field(scene: bpy.types.Scene) -> None:
    mesh = column_mesh()
    mesh.materials.append(column_material())
    for x, y in hexagonal_grid(RINGS):
        distance = math.hypot(x, y)
        column = bpy.data.objects.new("Column", mesh)
        column.location = (x, y, 0)
        column.color = (*gradient(distance / RINGS), 1)
        scene.collection.objects.link(column)
        for frame in range(1, FRAMES + 2):
            column.location.z = ripple(distance, phase(frame))
            column.keyframe_insert("location", index=2, frame=frame)


def phase(frame: int) -> float:
    """0 when the ball lands, growing to 1 when it lands again."""
    return (frame - 1) / FRAMES


def ripple(distance: float, moment: float) -> float:
    """Height of a column: a damped wave that starts when the ball lands and travels outwards."""
    since = (moment - distance / 7.5) % 1.0
    wave = -math.sin(math.tau * since) * math.exp(-1.2 * since)
    return 0.95 * math.exp(-distance / 5.5) * wave + 0.035 * distance


def hexagonal_grid(rings: int) -> list[tuple[float, float]]:
    """Centres of a hexagon of cells, one unit apart."""
    cells = []
    for q in range(-rings, rings + 1):
        for r in range(max(-rings, -q - rings), min(rings, -q + rings) + 1):
            cells.append((q + r / 2, r * math.sqrt(3) / 2))
    return cells


def column_mesh() -> bpy.types.Mesh:
    """A hexagonal column with a softened upper edge; its top is at z = 0."""
    # Radius and height of each outline, from the foot to the middle of the top.
    outlines = [(0.55, -COLUMN_HEIGHT), (0.55, -0.09), (0.535, -0.035), (0.50, -0.008), (0.45, 0.0)]
    vertices = [
        (radius * math.cos(angle), radius * math.sin(angle), z)
        for radius, z in outlines
        for angle in (math.radians(30 + 60 * corner) for corner in range(6))
    ]
    sides = [
        (6 * level + a, 6 * level + (a + 1) % 6, 6 * level + 6 + (a + 1) % 6, 6 * level + 6 + a)
        for level in range(len(outlines) - 1)
        for a in range(6)
    ]
    top = tuple(range(6 * (len(outlines) - 1), 6 * len(outlines)))
    mesh = bpy.data.meshes.new("Column")
    mesh.from_pydata(vertices, [], [*sides, top])
    return mesh


def gradient(position: float) -> tuple[float, float, float]:
    position = min(max(position, 0.0), 1.0)
    for (start, first), (end, last) in zip(GRADIENT, GRADIENT[1:]):
        if position <= end:
            share = (position - start) / (end - start)
            return tuple(a + (b - a) * share for a, b in zip(first, last))
    return GRADIENT[-1][1]


def column_material() -> bpy.types.Material:
    """One material for all columns; each brings its own colour."""
    material, principled = new_material("Lacquer")
    principled.inputs["Roughness"].default_value = 0.38
    nodes, links = material.node_tree.nodes, material.node_tree.links
    colour = nodes.new("ShaderNodeObjectInfo")
    links.new(colour.outputs["Color"], principled.inputs["Base Color"])
    return material


# ------------------------------------------------------------------ the ball


def add_ball(scene: bpy.types.Scene) -> None:
    # A quiet grip for squashing, so that the spin inside it does not turn the squash.
    grip = bpy.data.objects.new("Ball grip", None)
    scene.collection.objects.link(grip)
    bpy.ops.mesh.primitive_uv_sphere_add(segments=64, ring_count=32, radius=BALL_RADIUS)
    ball = bpy.context.object
    ball.name = "Ball"
    ball.parent = grip
    ball.data.polygons.foreach_set("use_smooth", [True] * len(ball.data.polygons))
    ball.data.materials.append(ball_material())
    for frame in range(1, FRAMES + 2):
        moment = phase(frame)
        squash = squashed(moment)
        width = 1 / math.sqrt(squash)
        grip.scale = (width, width, squash)
        grip.location.z = ball_height(moment) + BALL_RADIUS * squash
        grip.keyframe_insert("scale", frame=frame)
        grip.keyframe_insert("location", index=2, frame=frame)
        ball.rotation_euler = (math.radians(24), math.tau * moment, 0)
        ball.keyframe_insert("rotation_euler", frame=frame)


def ball_height(moment: float) -> float:
    """Lowest point of the ball: it lies on the middle column for a moment, then flies."""
    contact = 0.12
    if moment < contact or moment >= 1.0:
        return ripple(0.0, moment % 1.0)
    start, end = ripple(0.0, contact), ripple(0.0, 0.0)
    flight = (moment - contact) / (1 - contact)
    return start + (end - start) * flight + BALL_JUMP * 4 * flight * (1 - flight)


def squashed(moment: float) -> float:
    """Height of the ball relative to its width at rest: flat on landing, long in fast flight."""
    moment = moment % 1.0
    if moment < 0.12:
        return 1 - 0.26 * math.sin(math.pi * moment / 0.12)
    flight = (moment - 0.12) / 0.88
    return 1 + 0.13 * abs(1 - 2 * flight) ** 2


def ball_material() -> bpy.types.Material:
    """Cream lacquer with a bright band, so that the spin can be seen."""
    material, principled = new_material("Ball")
    principled.inputs["Roughness"].default_value = 0.12
    principled.inputs["Coat Weight"].default_value = 1.0
    nodes, links = material.node_tree.nodes, material.node_tree.links
    place = nodes.new("ShaderNodeTexCoord")
    axes = nodes.new("ShaderNodeSeparateXYZ")
    bands = nodes.new("ShaderNodeValToRGB")
    links.new(place.outputs["Generated"], axes.inputs[0])
    links.new(axes.outputs["Z"], bands.inputs[0])
    links.new(bands.outputs["Color"], principled.inputs["Base Color"])
    ramp = bands.color_ramp
    ramp.interpolation = "CONSTANT"
    cream, teal = (0.95, 0.86, 0.70, 1), (0.0, 0.33, 0.36, 1)
    ramp.elements[0].color = cream
    ramp.elements[1].position, ramp.elements[1].color = 0.36, teal
    for position, colour in [(0.46, cream), (0.54, teal), (0.64, cream)]:
        ramp.elements.new(position).color = colour
    return material


def new_material(name: str) -> tuple[bpy.types.Material, bpy.types.Node]:
    material = bpy.data.materials.new(name)
    use_nodes(material)
    return material, material.node_tree.nodes["Principled BSDF"]


def use_nodes(owner: bpy.types.Material | bpy.types.World) -> None:
    """From Blender 5.0 on there are always nodes, and asking for them is deprecated."""
    if owner.node_tree is None:
        owner.use_nodes = True


# ------------------------------------------------------------------ camera and lights


def add_camera_and_lights(scene: bpy.types.Scene) -> None:
    """Camera and lights sit on one turntable: the picture is lit alike from every side."""
    turntable = bpy.data.objects.new("Turntable", None)
    scene.collection.objects.link(turntable)
    for frame in (1, FRAMES + 1):
        turntable.rotation_euler.z = math.radians(60) * phase(frame)
        turntable.keyframe_insert("rotation_euler", index=2, frame=frame)
    make_linear(turntable)
    for placed in (add_camera(scene), *add_lights(scene)):
        placed.parent = turntable


def make_linear(animated: bpy.types.Object) -> None:
    for curve in curves_of(animated):
        for key in curve.keyframe_points:
            key.interpolation = "LINEAR"


def curves_of(animated: bpy.types.Object) -> list[bpy.types.FCurve]:
    """The F-curves of an object; from Blender 5.0 on they lie in layers."""
    action = animated.animation_data.action
    if hasattr(action, "fcurves"):
        return list(action.fcurves)
    bags = [bag for layer in action.layers for strip in layer.strips for bag in strip.channelbags]
    return [curve for bag in bags for curve in bag.fcurves]


def add_camera(scene: bpy.types.Scene) -> bpy.types.Object:
    data = bpy.data.cameras.new("Camera")
    camera = bpy.data.objects.new("Camera", data)
    scene.collection.objects.link(camera)
    scene.camera = camera
    camera.location = (0, -13.5, 7.9)
    look_at(camera, Vector((0, 0, 1.25)))
    data.lens = 50
    data.dof.use_dof = True
    data.dof.focus_distance = (camera.location - Vector((0, -0.6, 0.8))).length
    data.dof.aperture_fstop = 0.35
    return camera


def add_lights(scene: bpy.types.Scene) -> list[bpy.types.Object]:
    """A warm key from the left, a cool rim from behind, a soft fill from the front."""
    return [
        add_light(scene, "Key", (-7, -4, 9), 5, 1500, (1.0, 0.80, 0.58)),
        add_light(scene, "Rim", (6.5, 9, 6.5), 6, 700, (0.45, 0.62, 1.0)),
        add_light(scene, "Fill", (7, -9, 6), 8, 260, (1.0, 0.62, 0.72)),
    ]


def add_light(
    scene: bpy.types.Scene,
    name: str,
    location: tuple[float, float, float],
    size: float,
    watts: float,
    colour: tuple[float, float, float],
) -> bpy.types.Object:
    data = bpy.data.lights.new(name, "AREA")
    data.size, data.energy, data.color = size, watts, colour
    light = bpy.data.objects.new(name, data)
    light.location = location
    look_at(light, Vector((0, 0, 0.5)))
    scene.collection.objects.link(light)
    return light


def look_at(placed: bpy.types.Object, target: Vector) -> None:
    placed.rotation_euler = (target - placed.location).to_track_quat("-Z", "Y").to_euler()


main()
