"""Makes the scenes that the tests submit. Argument: the folder to save them in."""
import math
import os
import sys

import bpy

folder = sys.argv[-1]
bpy.ops.wm.read_factory_settings(use_empty=True)
scene = bpy.context.scene
scene.render.engine = 'CYCLES'
scene.cycles.samples = 4
scene.cycles.use_denoising = False
scene.render.resolution_x, scene.render.resolution_y = 64, 36
scene.render.resolution_percentage = 100
scene.render.image_settings.file_format = 'PNG'
scene.render.image_settings.color_mode = 'RGB'
scene.frame_start, scene.frame_end = 1, 240

world = bpy.data.worlds.new('World')
world.color = (0.2, 0.3, 0.5)
scene.world = world
bpy.ops.mesh.primitive_monkey_add()
monkey = bpy.context.object
for frame, turn in ((1, 0.0), (240, 2 * math.pi)):
    monkey.rotation_euler.z = turn
    monkey.keyframe_insert('rotation_euler', frame=frame)
sun = bpy.data.objects.new('Sun', bpy.data.lights.new('Sun', 'SUN'))
sun.data.energy = 3
sun.rotation_euler = (0.6, 0.2, 0.0)
scene.collection.objects.link(sun)
bpy.ops.wm.save_as_mainfile(filepath=os.path.join(folder, 'no_camera.blend'))

camera = bpy.data.objects.new('Camera', bpy.data.cameras.new('Camera'))
camera.location = (0, -6, 1)
camera.rotation_euler = (1.42, 0, 0)
scene.collection.objects.link(camera)
scene.camera = camera
bpy.ops.wm.save_as_mainfile(filepath=os.path.join(folder, 'sample.blend'))
