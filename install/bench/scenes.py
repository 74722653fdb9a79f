"""Makes the scenes of the benchmark. Arguments: `light` or `heavy`, frames, and the file to save.

light   one moving mesh, 320 x 180, 16 samples: what a farm adds to a frame shows
heavy   144 subdivided static meshes, the camera moves: what is kept between frames shows
"""
import math
import sys

import bpy

what, frames, path = sys.argv[-3:]
bpy.ops.wm.read_factory_settings(use_empty=True)
scene = bpy.context.scene
scene.render.engine = 'CYCLES'
scene.cycles.samples = 16
scene.cycles.use_adaptive_sampling = False
scene.cycles.use_denoising = False
scene.render.resolution_x, scene.render.resolution_y = 320, 180
scene.render.resolution_percentage = 100
scene.render.image_settings.file_format = 'PNG'
scene.frame_start, scene.frame_end = 1, int(frames)

world = bpy.data.worlds.new('World')
world.color = (0.3, 0.35, 0.4)
scene.world = world
sun = bpy.data.objects.new('Sun', bpy.data.lights.new('Sun', 'SUN'))
sun.data.energy = 3
sun.rotation_euler = (0.7, 0.2, 0.4)
scene.collection.objects.link(sun)
camera = bpy.data.objects.new('Camera', bpy.data.cameras.new('Camera'))
camera.rotation_euler = (math.radians(65), 0, 0)
scene.collection.objects.link(camera)
scene.camera = camera


def animate(thing, path, first, last):
    for frame, value in ((scene.frame_start, first), (scene.frame_end, last)):
        setattr(thing, path, value)
        thing.keyframe_insert(path, frame=frame)


if what == 'light':
    camera.location = (0, -8, 4)
    bpy.ops.mesh.primitive_cube_add()
    animate(bpy.context.object, 'rotation_euler', (0, 0, 0), (0, 0, 2 * math.pi))
else:
    for row in range(12):
        for column in range(12):
            bpy.ops.mesh.primitive_monkey_add(location=(3 * column - 16.5, 3 * row - 16.5, 0))
            smooth = bpy.context.object.modifiers.new('Subdivision', 'SUBSURF')
            smooth.levels = smooth.render_levels = 2
    animate(camera, 'location', (0, -34, 16), (6, -30, 15))

bpy.ops.wm.save_as_mainfile(filepath=path)
