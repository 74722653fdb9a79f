//! Tests against real things: Blender runtimes, databases, sockets.

mod real_scenes;
