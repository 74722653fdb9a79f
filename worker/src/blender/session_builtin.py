"""The scene that is rendered to try a machine out and to measure it. Built here: it needs no file.

Owns: what stands in that scene. Must not know: the worker, what is rendered of it, and why. The scores of all
slots refer to it: whoever changes what Cycles has to do raises VERSION in `protocol/src/benchmark.rs`.
"""

import bpy


def build():
    """A stage of the kind that real scenes are: subdivided geometry, a glossy, a glass and a plain material,
    an area light, and light from all around."""
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    scene = bpy.context.scene
    monkey = smooth(add(bpy.ops.mesh.primitive_monkey_add, size=2.0, location=(0, 0, 1)))
    monkey.rotation_euler = (-0.5, 0, 0.4)
    subdivision = monkey.modifiers.new("Subdivision", "SUBSURF")
    subdivision.levels = subdivision.render_levels = 2
    paint(monkey, "Clay", (0.8, 0.25, 0.08), roughness=0.6)
    ball = smooth(add(bpy.ops.mesh.primitive_uv_sphere_add, radius=0.7, location=(-2, 0.4, 0.7)))
    paint(ball, "Metal", (0.9, 0.8, 0.6), metallic=1.0, roughness=0.15)
    drop = smooth(add(bpy.ops.mesh.primitive_uv_sphere_add, radius=0.7, location=(1.8, -0.6, 0.7)))
    paint(drop, "Glass", (0.9, 0.95, 1.0), roughness=0.0, transmission=1.0)
    floor = add(bpy.ops.mesh.primitive_plane_add, size=40.0)
    paint(floor, "Floor", (0.35, 0.38, 0.42), roughness=0.4)
    lamp = light_up(scene)
    film(scene)
    for role, thing in (("monkey", monkey), ("ball", ball), ("drop", drop), ("lamp", lamp)):
        # Blender gives the second of a kind another name.
        scene[f"name of the {role}"] = thing.name
    return scene


def add(operator, **what):
    operator(**what)
    return bpy.context.object


def smooth(thing):
    for polygon in thing.data.polygons:
        polygon.use_smooth = True
    return thing


def paint(thing, name, color, roughness, metallic=0.0, transmission=0.0):
    material = bpy.data.materials.new(name)
    material.use_nodes = True
    surface = next(node for node in material.node_tree.nodes if node.type == "BSDF_PRINCIPLED")
    surface.inputs["Base Color"].default_value = (*color, 1.0)
    surface.inputs["Roughness"].default_value = roughness
    surface.inputs["Metallic"].default_value = metallic
    # Called Transmission alone before 4.0.
    socket = "Transmission Weight" if "Transmission Weight" in surface.inputs else "Transmission"
    surface.inputs[socket].default_value = transmission
    thing.data.materials.append(material)


def light_up(scene):
    lamp = add(bpy.ops.object.light_add, type="AREA", location=(3, -4, 5))
    lamp.rotation_euler = (0.75, 0, 0.65)
    lamp.data.energy, lamp.data.size = 600.0, 2.5
    scene.world = bpy.data.worlds.new("Sky")
    scene.world.use_nodes = True
    background = next(node for node in scene.world.node_tree.nodes if node.type == "BACKGROUND")
    background.inputs["Color"].default_value = (0.25, 0.4, 0.7, 1.0)
    background.inputs["Strength"].default_value = 0.4
    return lamp


def film(scene):
    camera = add(bpy.ops.object.camera_add, location=(0, -7, 3), rotation=(1.28, 0, 0))
    camera.data.lens = 45.0
    scene.camera = camera
    scene.render.resolution_percentage = 100
    # Every sample of every pixel: what is measured must not depend on how noisy a device thinks it is.
    scene.cycles.use_adaptive_sampling = False
    scene.cycles.use_denoising = False
    scene.cycles.seed = 0
    # With the pools of a whole film EEVEE takes twice the time and the memory here: 1.9 s and 1.7 GB, where
    # these take 1.0 s and 1.1 GB, drawn by Mesa on two cores with all shaders compiled before.
    for name, value in (("shadow_pool_size", "16"), ("gi_irradiance_pool_size", "16"), ("gi_cubemap_resolution", "128")):
        if hasattr(scene.eevee, name):
            setattr(scene.eevee, name, value)
