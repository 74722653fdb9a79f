"""Plain Blender: one process, one `render(animation=True)`. Arguments: scene, output folder."""
import sys

import bpy

bpy.ops.wm.open_mainfile(filepath=sys.argv[-2])
bpy.context.scene.render.filepath = sys.argv[-1] + '/frame_'
bpy.ops.render.render(animation=True)
