//! GPUs that nobody has: a stand-in for NVIDIA's management library, told by a file what to say, and a
//! program in Blender's place that would render on them.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::agent_process::runtime;

/// A machine's GPUs, and the fake Blender's files.
pub struct Gpus {
    dir: tempfile::TempDir,
}

impl Gpus {
    pub fn new(machine: &Value) -> Self {
        let gpus = Self {
            dir: tempfile::tempdir().unwrap(),
        };
        gpus.now(machine);
        gpus.write_blender();
        gpus
    }

    /// From now on the machine is like this.
    pub fn now(&self, machine: &Value) {
        // Renamed, because the library may read at any moment.
        let partial = self.dir.path().join("machine.partial");
        std::fs::write(&partial, machine.to_string()).unwrap();
        std::fs::rename(partial, self.file()).unwrap();
    }

    fn file(&self) -> PathBuf {
        self.dir.path().join("machine.json")
    }

    /// Runs `look` with the variables that make a program see these GPUs.
    pub fn seen<T>(&self, look: impl FnOnce(&[(&str, &Path)]) -> T) -> T {
        self.seen_through(&stand_in(), look)
    }

    /// The same through another library.
    pub fn seen_through<T>(&self, library: &Path, look: impl FnOnce(&[(&str, &Path)]) -> T) -> T {
        look(&[
            ("PICTOR_NVML", library),
            ("NVML_STAND_IN", &self.file()),
            ("PICTOR_RUNTIMES", &self.blender()),
        ])
    }

    /// The stand-in without one of its functions, as in a driver that is older than it.
    pub fn library_without(&self, function: &str) -> PathBuf {
        let mut bytes = std::fs::read(stand_in()).unwrap();
        let name = format!("\0{function}\0").into_bytes();
        let places: Vec<_> = (0..bytes.len() - name.len())
            .filter(|at| bytes[*at..].starts_with(&name))
            .collect();
        assert!(!places.is_empty(), "{function} is not in the stand-in");
        for at in places {
            bytes[at + 1] = b'_';
        }
        let path = self.dir.path().join("older.so");
        std::fs::write(&path, bytes).unwrap();
        path
    }

    /// A directory of runtimes with one program in Blender's place. It finds one CUDA device, prints which
    /// it was told to use, waits at frame 1 until it is let go, and dies at frame 13. Its probe renders are pictures.
    pub fn blender(&self) -> PathBuf {
        self.dir.path().join("runtimes")
    }

    fn write_blender(&self) {
        let dir = self.blender().join("fake");
        std::fs::create_dir_all(&dir).unwrap();
        let program = dir.join("blender");
        let python = runtime().program().display().to_string();
        let gate = self.gate().display().to_string();
        let script = format!("#!{python} -Iu\nGATE = {gate:?}\n{BLENDER}");
        std::fs::write(&program, script).unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o700)).unwrap();
        let note = json!({ "version": "4.5.15", "kind": "executable", "program": "blender" });
        std::fs::write(dir.join("runtime.json"), note.to_string()).unwrap();
    }

    /// Lets every frame 1 go.
    pub fn let_go(&self) {
        std::fs::write(self.gate(), "").unwrap();
    }

    /// From now on probe renders are black.
    pub fn go_black(&self) {
        std::fs::write(self.gate().with_extension("black"), "").unwrap();
    }

    fn gate(&self) -> PathBuf {
        self.dir.path().join("gate")
    }
}

/// A GPU with everything that NVML can say of one.
pub fn gpu(number: u32) -> Value {
    json!({
        "name": format!("NVIDIA Test {number}"),
        "uuid": uuid(number),
        "compute_capability": [8, 9],
        "memory_bytes": 24_u64 << 30,
        "memory_used_bytes": 1_u64 << 30,
        "utilisation_percent": 40 + number,
        "temperature_celsius": 60,
        "power_milliwatts": 200_000,
        "energy_millijoules": 5_000_000,
    })
}

pub fn uuid(number: u32) -> String {
    format!("GPU-00000000-0000-0000-0000-00000000000{number}")
}

pub fn machine(gpus: &[Value]) -> Value {
    json!({ "driver": "550.54.14", "cuda": 12040, "gpus": gpus })
}

/// This GPU with an error for every question about it.
pub fn broken(mut gpu: Value, error: u32) -> Value {
    gpu["error"] = error.into();
    gpu
}

/// Built with the tests, beside them.
fn stand_in() -> PathBuf {
    let tests = std::env::current_exe().unwrap();
    let path = tests.with_file_name("libnvml_stand_in.so");
    assert!(path.exists(), "there is no {}", path.display());
    path
}

const BLENDER: &str = r#"
import json, os, select, socket, struct, sys, zlib

line = socket.socket(fileno=os.dup(0))
hangup = select.poll()
hangup.register(line, 0)

def say(event, **more):
    line.sendall((json.dumps({"event": event, **more}) + "\n").encode())

def wait_at_the_gate():
    while not os.path.exists(GATE):
        if hangup.poll(10):
            os._exit(1)

def png(width, height):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    first = bytes(3) if os.path.exists(GATE + ".black") else bytes((200, 100, 50))
    row = b"\0" + first + bytes(3 * (width - 1))
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(row * height))
            + chunk(b"IEND", b""))

device = {"type": "CUDA", "name": "Test", "id": "CUDA_0"}
say("ready", version=[4, 5, 15], version_string="4.5.15", devices=[device])
facts = dict(
    saved_by=[4, 5], name="Scene", camera="Camera", engine="CYCLES", format="PNG", width=8, height=8,
    frame_start=1, frame_end=1, frame_step=1, fps=24.0, samples=1, device="CUDA", persistent=True,
    missing_files=[], warnings=[],
)
builtin = None
for request in map(json.loads, line.makefile()):
    if request["do"] in ("open", "open_builtin"):
        builtin = request["settings"] if request["do"] == "open_builtin" else None
        say("opened", scene=facts)
        continue
    path = request["path"]
    if builtin:
        picture = png(builtin["width"], builtin["height"])
    else:
        print("on", os.environ["CUDA_DEVICE_ORDER"], os.environ["CUDA_VISIBLE_DEVICES"])
        if request["frame"] == 13:
            os._exit(3)
        if request["frame"] == 1:
            wait_at_the_gate()
        picture = path.encode()
    with open(path, "wb") as file:
        file.write(picture)
    render_ms = 500 if builtin else 1
    say("rendered", id=request["id"], paths=[path], render_ms=render_ms, memory_bytes=1, peak_memory_bytes=1)
"#;
