"""Blender's own opinion of what decides the picture of a scene, for `judge.py`."""


def is_sequenced(scene):
    """The sequencer makes the picture."""
    editor = scene.sequence_editor
    if not editor or not scene.render.use_sequencer:
        return False
    strips = editor.strips if hasattr(editor, "strips") else editor.sequences
    shown = [strip for strip in strips if strip.type != "SOUND" and not strip.mute]
    return any(not editor.channels[strip.channel].mute for strip in shown)


def is_composited(scene):
    """The compositor makes the picture, and does not render the scene for it."""
    if hasattr(scene, "compositing_node_group"):
        tree = scene.compositing_node_group
    else:
        tree = scene.node_tree if scene.use_nodes else None
    if not tree or not scene.render.use_compositing:
        return False
    layers = [node for node in tree.nodes if node.bl_idname == "CompositorNodeRLayers" and not node.mute]
    return not any(node.scene in (None, scene) for node in layers)


def border(scene):
    render = scene.render
    if not render.use_border or not (render.use_crop_to_border or is_sequenced(scene)):
        return None
    names = ("min_x", "max_x", "min_y", "max_y")
    return {name: getattr(render, f"border_{name}") for name in names}


def views(render):
    if not render.use_multiview:
        return "one"
    every = render.views_format == "MULTIVIEW"
    enabled = [view for view in render.views if view.use and (every or view.name in ("left", "right"))]
    stereo = render.image_settings.stereo_3d_format
    layout = {"INDIVIDUAL": "file_each", "MULTIVIEW": "open_exr"}.get(render.image_settings.views_format, "merged")
    if layout == "merged" and not stereo.use_squeezed_frame:
        layout = {"SIDEBYSIDE": "side_by_side", "TOPBOTTOM": "top_bottom"}.get(stereo.display_mode, layout)
    if len(enabled) < 2:
        return "half_stereo" if layout in ("side_by_side", "top_bottom") else "one"
    return layout
