"""Renders one small frame in every format and codec that Blender offers and Pictor takes.

    python painter.py WORK

Runs in a runtime's python. Prints `painted {"file": …, "format": …, "mean": …}` for each; the mean is
what Blender reads back, and missing for files in layers, which it does not read as one picture.
"""

import json
import os
import sys

import bpy

WIDTH, HEIGHT = 48, 27


def main(work):
    scene = make_scene()
    for name, media, form, settings in kinds():
        image = scene.render.image_settings
        if hasattr(image, "media_type"):
            image.media_type = media
        image.file_format = form
        for key, value in settings.items():
            setattr(image, key, value)
        path = os.path.join(work, name)
        scene.render.filepath = path
        bpy.ops.render.render(write_still=True)
        kind = {"PNG": "png", "JPEG": "jpeg"}.get(form, "exr")
        print("painted " + json.dumps({"file": path, "format": kind, "mean": mean(path)}), flush=True)


def mean(path):
    image = bpy.data.images.load(path)
    # The numbers in the file, neither converted to linear light nor multiplied by alpha.
    image.colorspace_settings.name, image.alpha_mode = "Non-Color", "CHANNEL_PACKED"
    pixels = list(image.pixels)
    count = len(pixels) // 4
    return [sum(pixels[channel::4]) / count for channel in range(4)] if count else None


def kinds():
    for depth in ("8", "16"):
        for mode in ("BW", "RGB", "RGBA"):
            yield f"{mode}{depth}.png", "IMAGE", "PNG", {"color_mode": mode, "color_depth": depth}
    for mode in ("BW", "RGB"):
        yield f"{mode}.jpg", "IMAGE", "JPEG", {"color_mode": mode}
    for codec in ("NONE", "ZIP", "PIZ", "PXR24", "RLE", "ZIPS", "B44", "B44A", "DWAA", "DWAB"):
        for depth in ("16", "32"):
            if codec.startswith("B44") and depth == "32":
                continue
            settings = {"color_mode": "RGBA", "color_depth": depth, "exr_codec": codec}
            yield f"{codec}{depth}.exr", "IMAGE", "OPEN_EXR", settings
            name = f"layers-{codec}{depth}.exr"
            settings = {"color_depth": depth, "exr_codec": codec}
            yield name, "MULTI_LAYER_IMAGE", "OPEN_EXR_MULTILAYER", settings
    yield "grey.exr", "IMAGE", "OPEN_EXR", {"color_mode": "BW", "color_depth": "16", "exr_codec": "ZIP"}


def make_scene():
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    bpy.ops.mesh.primitive_uv_sphere_add()
    bpy.ops.object.light_add(type="SUN", rotation=(0.6, 0.4, 0))
    bpy.ops.object.camera_add(location=(0, -5, 0), rotation=(1.5708, 0, 0))
    scene.camera = bpy.context.object
    render = scene.render
    render.engine = "CYCLES"
    scene.cycles.device, scene.cycles.samples, scene.cycles.use_denoising = "CPU", 1, False
    render.resolution_x, render.resolution_y, render.resolution_percentage = WIDTH, HEIGHT, 100
    render.film_transparent = True
    layer = bpy.context.view_layer
    layer.use_pass_z = layer.use_pass_normal = layer.use_pass_cryptomatte_object = True
    return scene


if __name__ == "__main__":
    main(os.path.abspath(sys.argv[1]))
