"""Counts the pictures of two folders that are not the same to the last pixel. Prints `different total`."""
import pathlib
import sys

import bpy
import numpy


def pixels(path):
    image = bpy.data.images.load(str(path))
    values = numpy.empty(len(image.pixels), dtype=numpy.float32)
    image.pixels.foreach_get(values)
    bpy.data.images.remove(image)
    return values


ours, plain = map(pathlib.Path, sys.argv[-2:])
names = sorted(path.name for path in plain.glob('*.png'))
assert names == sorted(path.name for path in ours.glob('*.png')), 'not the same frames'
print(sum(not numpy.array_equal(pixels(ours / name), pixels(plain / name)) for name in names), len(names))
