"""The stage of a presence challenge: the built-in scene, with its things moved and coloured as the coordinator
says, and patches of plain light in front of it.

Owns: what differs from the built-in scene. Must not know: the worker, the network, and what a challenge proves.
How the numbers are meant stands in `protocol/src/challenge.rs`.
"""

import bpy

WIDTH, HEIGHT, PATCH = 256, 144, 16
# Of the picture at a distance of one from the camera, by its sensor and its lens.
ACROSS = 36.0 / 45.0


def prepare(scene):
    """Everything that takes time and does not depend on the challenge."""
    scene.view_settings.view_transform, scene.view_settings.look = "Standard", "None"
    scene.view_settings.exposure, scene.view_settings.gamma = 0.0, 1.0
    # Added to every pixel to hide bands; here a patch has to show its very colour.
    scene.render.dither_intensity = 0.0
    image = scene.render.image_settings
    image.file_format, image.color_mode, image.color_depth = "PNG", "RGB", "8"
    hang_up_patches(scene)


def hang_up_patches(scene):
    pixel = ACROSS / WIDTH
    side = PATCH * pixel
    square = bpy.data.meshes.new("Patch")
    corners = [(0, 0, 0), (side, 0, 0), (side, -side, 0), (0, -side, 0)]
    square.from_pydata(corners, [], [(0, 3, 2, 1)])
    square.materials.append(light_of_its_own_colour())
    for at in range(2 * WIDTH // PATCH):
        row, column = divmod(at, WIDTH // PATCH)
        patch = bpy.data.objects.new(f"Patch {at}", square)
        patch.parent = scene.camera
        patch.location = ((column * PATCH - WIDTH / 2) * pixel, (HEIGHT / 2 - row * PATCH) * pixel, -1.0)
        show_to_the_camera_alone(patch)
        scene.collection.objects.link(patch)


def light_of_its_own_colour():
    material = bpy.data.materials.new("Patch")
    material.use_nodes = True
    nodes, links = material.node_tree.nodes, material.node_tree.links
    nodes.clear()
    colour, light = nodes.new("ShaderNodeObjectInfo"), nodes.new("ShaderNodeEmission")
    output = nodes.new("ShaderNodeOutputMaterial")
    links.new(colour.outputs["Color"], light.inputs["Color"])
    links.new(light.outputs["Emission"], output.inputs["Surface"])
    return material


def show_to_the_camera_alone(thing):
    """The patches light nothing and stand in nothing's way."""
    for rays in ("diffuse", "glossy", "transmission", "volume_scatter", "shadow"):
        if hasattr(thing, f"visible_{rays}"):
            setattr(thing, f"visible_{rays}", False)
        else:  # before 3.0
            setattr(thing.cycles_visibility, rays.removeprefix("volume_"), False)


def arrange(scene, stage):
    """Lays a challenge's numbers over the stage. Done again it begins from the same."""
    for at, colour in enumerate(stage["patches"]):
        scene.objects[f"Patch {at}"].color = (*linear(colour), 1.0)
    for name, material in (("monkey", "Clay"), ("ball", "Metal"), ("drop", "Glass")):
        thing = scene.objects[scene[f"name of the {name}"]]
        move(thing, stage[name])
        surface = node(bpy.data.materials[material].node_tree, "BSDF_PRINCIPLED")
        surface.inputs["Base Color"].default_value = (*linear(stage[name]["colour"]), 1.0)
    lamp = scene.objects[scene["name of the lamp"]]
    move(lamp, stage["lamp"])
    lamp.data.color = linear(stage["lamp"]["colour"])
    background = node(scene.world.node_tree, "BACKGROUND")
    background.inputs["Color"].default_value = (*linear(stage["sky"]), 1.0)
    scene.cycles.seed = stage["noise"]


def move(thing, to):
    if "at first" not in thing:
        thing["at first"] = [*thing.location, thing.rotation_euler.z]
    x, y, z, turn = thing["at first"]
    thing.location = (x + to["x"] / 1000, y + to["y"] / 1000, z)
    thing.rotation_euler.z = turn + to["turn"] / 1000


def node(tree, kind):
    return next(node for node in tree.nodes if node.type == kind)


def linear(colour):
    """IEC 61966-2-1."""
    shares = (value / 255 for value in colour)
    return tuple(share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in shares)
