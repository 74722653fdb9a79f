//! Builds small .blend files in every generation, so that tests need no Blender.

use std::io::Write;

use super::header::HeadForm;

/// A .blend file in the making.
pub(crate) struct Builder {
    form: HeadForm,
    version: u16,
    structs: Vec<Struct>,
    blocks: Vec<u8>,
}

struct Struct {
    name: &'static str,
    /// Type, declarator: `("char", "name[66]")`.
    fields: Vec<(&'static str, &'static str)>,
}

impl Builder {
    pub(crate) fn new(form: HeadForm, version: u16) -> Self {
        Builder {
            form,
            version,
            structs: vec![Struct {
                name: "Link",
                fields: vec![("Link", "*next"), ("Link", "*prev")],
            }],
            blocks: Vec::new(),
        }
    }

    /// Declares a structure; `fields` reads like C: `"int sfra; char name[66]"`.
    pub(crate) fn structure(&mut self, name: &'static str, fields: &'static str) -> &mut Self {
        let fields = fields
            .split(';')
            .filter_map(|field| field.trim().split_once(' '));
        self.structs.push(Struct {
            name,
            fields: fields.collect(),
        });
        self
    }

    /// Adds a block of one structure. `values` reads like `name=//a.png; source=1`; fields that are
    /// not named are zero.
    pub(crate) fn block(
        &mut self,
        code: &[u8; 4],
        address: u64,
        name: &str,
        values: &str,
    ) -> &mut Self {
        let mut body = vec![0; self.size(name)];
        for value in values.split(';').filter(|value| !value.trim().is_empty()) {
            let (path, text) = value.trim().split_once('=').unwrap();
            let (offset, bytes, kind) = self.locate(name, path);
            let slot = &mut body[offset..offset + bytes];
            match kind {
                "char" if bytes > 1 => slot[..text.len()].copy_from_slice(text.as_bytes()),
                "float" => slot.copy_from_slice(&text.parse::<f32>().unwrap().to_le_bytes()),
                _ => slot.copy_from_slice(&text.parse::<i64>().unwrap().to_le_bytes()[..bytes]),
            }
        }
        let index = self.structs.iter().position(|of| of.name == name).unwrap();
        self.raw(code, address, index, 1, &body)
    }

    pub(crate) fn raw(
        &mut self,
        code: &[u8; 4],
        address: u64,
        index: usize,
        count: usize,
        body: &[u8],
    ) -> &mut Self {
        let head = head(self.form, code, address, index, count, body.len());
        self.blocks.extend(head);
        self.blocks.extend_from_slice(body);
        self
    }

    /// The finished file, not compressed.
    pub(crate) fn build(&mut self) -> Vec<u8> {
        let dna = self.dna();
        self.raw(b"DNA1", 0, 0, 1, &dna);
        self.raw(b"ENDB", 0, 0, 0, &[]);
        let version = self.version;
        let mut file = match self.form {
            HeadForm::Small4 => format!("BLENDER_v{version:03}"),
            HeadForm::Small8 => format!("BLENDER-v{version:03}"),
            HeadForm::Large8 => format!("BLENDER17-01v{version:04}"),
        }
        .into_bytes();
        file.extend_from_slice(&self.blocks);
        file
    }

    fn size(&self, name: &str) -> usize {
        let of = self.structs.iter().find(|of| of.name == name);
        let fields = of.map(|of| of.fields.as_slice()).unwrap_or_default();
        fields.iter().map(|field| self.field_size(*field)).sum()
    }

    fn field_size(&self, (kind, name): (&str, &str)) -> usize {
        let one = match kind {
            _ if name.starts_with('*') => self.form.pointer_bytes(),
            "char" | "int8_t" => 1,
            "short" => 2,
            "int" | "float" => 4,
            "void" => 0,
            other => self.size(other),
        };
        let counts = name.split('[').skip(1);
        let counts = counts.map(|count| count.trim_end_matches(']').parse::<usize>().unwrap());
        one * counts.product::<usize>()
    }

    /// Offset, size and type of a field.
    fn locate(&self, name: &str, path: &str) -> (usize, usize, &'static str) {
        let (first, rest) = path.split_once('.').unwrap_or((path, ""));
        let of = self.structs.iter().find(|of| of.name == name).unwrap();
        let mut offset = 0;
        for field in &of.fields {
            let base = field.1.trim_start_matches('*').split('[').next().unwrap();
            if base == first {
                if rest.is_empty() {
                    return (offset, self.field_size(*field), field.0);
                }
                let (inner, bytes, kind) = self.locate(field.0, rest);
                return (offset + inner, bytes, kind);
            }
            offset += self.field_size(*field);
        }
        panic!("{name} has no {path}");
    }

    fn dna(&self) -> Vec<u8> {
        let mut names: Vec<&str> = Vec::new();
        let mut types: Vec<&str> = Vec::new();
        for of in &self.structs {
            types.push(of.name);
            types.extend(of.fields.iter().map(|field| field.0));
            names.extend(of.fields.iter().map(|field| field.1));
        }
        for list in [&mut names, &mut types] {
            list.sort_unstable();
            list.dedup();
        }
        let mut dna = b"SDNA".to_vec();
        for (mark, list) in [(b"NAME", &names), (b"TYPE", &types)] {
            dna.extend_from_slice(mark);
            dna.extend((list.len() as u32).to_le_bytes());
            for text in list {
                dna.extend_from_slice(text.as_bytes());
                dna.push(0);
            }
            dna.resize(dna.len().next_multiple_of(4), 0);
        }
        dna.extend_from_slice(b"TLEN");
        for kind in &types {
            dna.extend((self.field_size((kind, "")) as u16).to_le_bytes());
        }
        dna.resize(dna.len().next_multiple_of(4), 0);
        dna.extend_from_slice(b"STRC");
        dna.extend((self.structs.len() as u32).to_le_bytes());
        let position = |list: &[&str], text: &str| list.binary_search(&text).unwrap() as u16;
        for of in &self.structs {
            dna.extend(position(&types, of.name).to_le_bytes());
            dna.extend((of.fields.len() as u16).to_le_bytes());
            for (kind, name) in &of.fields {
                dna.extend(position(&types, kind).to_le_bytes());
                dna.extend(position(&names, name).to_le_bytes());
            }
        }
        dna
    }
}

fn head(
    form: HeadForm,
    code: &[u8; 4],
    address: u64,
    index: usize,
    count: usize,
    bytes: usize,
) -> Vec<u8> {
    let mut head = code.to_vec();
    let (index, count, bytes) = (index as i32, count as i64, bytes as i64);
    match form {
        HeadForm::Small4 => {
            head.extend((bytes as i32).to_le_bytes());
            head.extend((address as u32).to_le_bytes());
            head.extend(index.to_le_bytes());
            head.extend((count as i32).to_le_bytes());
        }
        HeadForm::Small8 => {
            head.extend((bytes as i32).to_le_bytes());
            head.extend(address.to_le_bytes());
            head.extend(index.to_le_bytes());
            head.extend((count as i32).to_le_bytes());
        }
        HeadForm::Large8 => {
            head.extend(index.to_le_bytes());
            head.extend(address.to_le_bytes());
            head.extend(bytes.to_le_bytes());
            head.extend(count.to_le_bytes());
        }
    }
    head
}

/// A file with two scenes and some data-blocks that name files; the tests' usual specimen.
pub(crate) fn specimen(form: HeadForm) -> Vec<u8> {
    let mut builder = Builder::new(form, 405);
    declare(&mut builder);
    let settings = "r.sfra=-5; r.efra=250; r.frame_step=2; r.size=50; r.xsch=1920; r.ysch=1080; \
                    r.frs_sec=30; r.frs_sec_base=1.001";
    // A cropped border, a compositor and two views above each other; a sequencer.
    let first = "id.name=SCFirst; camera=144; r.engine=CYCLES; r.im_format.imtype=17; r.mode=2560; \
                 r.border.xmax=0.5; r.border.ymax=1; r.scemode=2097216; r.views.first=21; use_nodes=1; \
                 nodetree=27; r.im_format.views_format=1; r.im_format.stereo3d_format.display_mode=4";
    let second = "id.name=SCSecond; camera=145; r.engine=BLENDER_EEVEE; r.im_format.imtype=24; \
                  r.scemode=1; ed=33";
    builder
        .block(b"GLOB", 1, "FileGlobal", "subversion=90; curscene=30")
        .block(b"SC\0\0", 20, "Scene", &format!("{first}; {settings}"))
        .block(b"DATA", 21, "SceneRenderView", "next=22; name=left")
        .block(b"DATA", 22, "SceneRenderView", "name=right")
        .block(b"DATA", 28, "bNode", "idname=CompositorNodeRLayers; id=20")
        .block(b"SC\0\0", 30, "Scene", &format!("{second}; {settings}"))
        .block(
            b"DATA",
            33,
            "Editing",
            "seqbase.first=40; channels.first=34",
        )
        .block(b"DATA", 34, "SeqTimelineChannel", "index=1; flag=2")
        .block(b"DATA", 40, "Sequence", "type=3; strip=50; machine=2")
        .block(b"DATA", 50, "Strip", "stripdata=60; dir=//clips/")
        .block(b"DATA", 60, "StripElem", "name=a.mp4")
        .block(b"IM\0\0", 70, "Image", "name=//tex/a.png; source=1")
        .block(b"IM\0\0", 71, "Image", "name=/abs/b.png; source=1")
        .block(b"IM\0\0", 72, "Image", "name=//viewer; source=5")
        .block(b"VF\0\0", 80, "VFont", "name=//f.ttf; packedfile=7")
        .block(b"OB\0\0", 144, "Object", "id.name=OBCamera")
        .block(b"LI\0\0", 90, "Library", "name=//unused.blend")
        .block(b"LI\0\0", 91, "Library", "name=//lib.blend")
        .block(b"ID\0\0", 92, "ID", "name=MALinked");
    builder.build()
}

fn declare(builder: &mut Builder) {
    let render = "ImageFormatData im_format; int sfra; int efra; int frame_step; short size; \
                  int xsch; int ysch; short frs_sec; float frs_sec_base; char engine[32]; int mode; \
                  int scemode; rctf border; ListBase views; short views_format";
    let format = "char imtype; char depth; char views_format; Stereo3dFormat stereo3d_format";
    let scene =
        "ID id; void *camera; RenderData r; Editing *ed; bNodeTree *nodetree; char use_nodes";
    builder
        .structure("ID", "ID *next; char name[66]; short flag")
        .structure("ListBase", "void *first; void *last")
        .structure("rctf", "float xmin; float xmax; float ymin; float ymax")
        .structure("Stereo3dFormat", "short flag; char display_mode")
        .structure("ImageFormatData", format)
        .structure("RenderData", render)
        .structure("Scene", scene)
        .structure("Object", "ID id")
        .structure("Library", "ID id; char name[64]")
        .structure(
            "FileGlobal",
            "char subvstr[4]; short subversion; Scene *curscene",
        )
        .structure(
            "Image",
            "ID id; char name[64]; ListBase packedfiles; short source",
        )
        .structure("VFont", "ID id; char name[64]; void *packedfile")
        .structure("Editing", "ListBase seqbase; ListBase channels")
        .structure(
            "SeqTimelineChannel",
            "SeqTimelineChannel *next; int index; int flag",
        )
        .structure(
            "SceneRenderView",
            "SceneRenderView *next; char name[64]; int viewflag",
        )
        .structure("bNode", "bNode *next; int flag; char idname[64]; ID *id")
        .structure(
            "Sequence",
            "Sequence *next; int type; int flag; int machine; Strip *strip",
        )
        .structure("Strip", "StripElem *stripdata; char dir[64]")
        .structure("StripElem", "char name[32]; int orig_width");
}

/// Compresses as Blender before 3.0 did.
pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Compresses as Blender does: many frames, then a table of them in a frame that decoders skip.
pub(crate) fn zstd(bytes: &[u8]) -> Vec<u8> {
    let frames = bytes
        .chunks(600)
        .map(|chunk| zstd::encode_all(chunk, 3).unwrap());
    let mut file: Vec<u8> = frames.flatten().collect();
    file.extend([0x5e, 0x2a, 0x4d, 0x18, 9, 0, 0, 0]);
    file.extend([0, 0, 0, 0, 0, 0xb1, 0xea, 0x92, 0x8f]);
    file
}
