"""Plain Blender, to compare with: `python blender_plain.py SCENE DIRECTORY` renders the whole animation."""

import os
import sys

import bpy

scene_path, out = sys.argv[-2:]
bpy.ops.wm.open_mainfile(filepath=scene_path)
bpy.context.scene.render.filepath = os.path.join(out, "f_")
bpy.ops.render.render(animation=True)
os._exit(0)
