//! Compressed histories: large ones are packed when their run is over, and read like any other. Looks into no history.
//!
//! A run writes plain lines, so that whatever ends it leaves a file that is readable up to the cut. Packing begins when
//! nothing waits for this process any more, and the plain file is removed only when the packed one is complete.

use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;

/// Histories above this many bytes are packed.
pub(super) const LARGE: u64 = 64 << 20;
/// What an unpacked file may hold: more than a machine could judge, less than a small file could be made to unpack to.
const UNPACKED_MAX: u64 = 64 << 30;
/// The first bytes of what `gzip` writes.
const MAGIC: [u8; 2] = [0x1f, 0x8b];

/// What a file holds.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Content {
    /// Its bytes, unpacked; whole lines of them if it was cut.
    pub(super) bytes: Vec<u8>,
    /// Why a packed file cannot be read to its end.
    pub(super) cut: Option<String>,
}

/// Packs each `history-N.jsonl` of a folder that has more bytes than this. Holds no more than a buffer of it.
///
/// # Errors
/// Which file stayed as it was, and why.
pub(super) fn pack(folder: &Path, above: u64) -> Result<(), String> {
    let wrong = |path: &Path, error: io::Error| format!("{}: not compressed: {error}", path.display());
    for entry in fs::read_dir(folder).map_err(|error| wrong(folder, error))? {
        let path = entry.map_err(|error| wrong(folder, error))?.path();
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let history = name.starts_with("history-") && path.extension().is_some_and(|extension| extension == "jsonl");
        if history && path.metadata().map_err(|error| wrong(&path, error))?.len() > above {
            pack_one(&path).map_err(|error| wrong(&path, error))?;
        }
    }
    Ok(())
}

fn pack_one(path: &Path) -> io::Result<()> {
    let unfinished = with_end(path, ".gz.unfinished");
    let mut packer = GzEncoder::new(BufWriter::new(File::create(&unfinished)?), Compression::fast());
    io::copy(&mut BufReader::with_capacity(1 << 16, File::open(path)?), &mut packer)?;
    let mut file = packer.finish()?;
    file.flush()?;
    file.get_ref().sync_data()?;
    fs::rename(&unfinished, with_end(path, ".gz"))?;
    fs::remove_file(path)
}

fn with_end(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    PathBuf::from(name)
}

/// Reads a file, packed or not; beside a name that is not there, the packed file of that name.
///
/// # Errors
/// As the file system says.
pub(super) fn read(path: &Path) -> io::Result<Content> {
    match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => match File::open(with_end(path, ".gz")) {
            Ok(file) => unpacked(file),
            Err(_) => Err(error),
        },
        opened => unpacked(opened?),
    }
}

/// The bytes of a stream, unpacked if it begins as a packed one does.
///
/// # Errors
/// As the stream says, or when it unpacks to too much.
pub(super) fn unpacked(mut from: impl Read) -> io::Result<Content> {
    let mut first = Vec::with_capacity(MAGIC.len());
    from.by_ref().take(MAGIC.len() as u64).read_to_end(&mut first)?;
    let whole = first.as_slice().chain(from);
    let mut content = Content::default();
    if first != MAGIC {
        let mut whole = whole;
        whole.read_to_end(&mut content.bytes)?;
        return Ok(content);
    }
    let mut plain = MultiGzDecoder::new(BufReader::with_capacity(1 << 16, whole)).take(UNPACKED_MAX);
    match plain.read_to_end(&mut content.bytes) {
        Ok(_) if plain.limit() == 0 => Err(io::Error::other("it unpacks to more than can be a history")),
        Ok(_) => Ok(content),
        Err(error) => {
            let lines = content.bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1);
            content.bytes.truncate(lines);
            let count = content.bytes.split(|byte| *byte == b'\n').skip(1).count();
            content.cut = Some(format!("the compressed file is cut or damaged after line {count} ({error})"));
            Ok(content)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(count: u32) -> String {
        let line = |line| format!("{{\"i\":{line},\"t\":{}}}\n", line * 7919 % 1013);
        (0..count).map(line).collect::<Vec<_>>().concat()
    }

    fn packed(text: &str) -> Vec<u8> {
        let mut packer = GzEncoder::new(Vec::new(), Compression::fast());
        packer.write_all(text.as_bytes()).expect("packed");
        packer.finish().expect("packed")
    }

    #[test]
    fn only_large_histories_are_packed_and_all_read_the_same() {
        let folder = tempfile::tempdir().expect("a folder");
        let files = [("history-0.jsonl", 2000), ("history-1.jsonl", 10), ("evidence.jsonl", 2000)];
        for (name, count) in files {
            fs::write(folder.path().join(name), lines(count)).expect("written");
        }
        pack(folder.path(), 1000).expect("packed");
        let mut names: Vec<_> = fs::read_dir(folder.path())
            .expect("a folder")
            .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        assert_eq!(names, ["evidence.jsonl", "history-0.jsonl.gz", "history-1.jsonl"]);
        for (name, count) in files {
            let content = read(&folder.path().join(name)).expect("read");
            assert_eq!(content, Content { bytes: lines(count).into_bytes(), cut: None }, "{name}");
        }
        assert!(read(&folder.path().join("history-2.jsonl")).is_err());
    }

    #[test]
    fn a_packed_file_that_is_cut_is_read_up_to_the_cut_and_says_so() {
        let whole = lines(20_000);
        let packed = packed(&whole);
        for kept in [packed.len() / 2, packed.len() * 9 / 10, packed.len() - 1] {
            let content = unpacked(&packed[..kept]).expect("read");
            assert!(content.cut.is_some(), "{kept} of {}", packed.len());
            assert!(whole.as_bytes().starts_with(&content.bytes) && content.bytes.ends_with(b"\n"));
            let share = content.bytes.len() * 100 / whole.len();
            assert!(share + 15 >= kept * 100 / packed.len(), "{share} % of the lines from {kept} of {}", packed.len());
        }
        assert_eq!(unpacked(&packed[..1]).expect("read").bytes, [MAGIC[0]], "one byte is no packed file");
        assert_eq!(unpacked(b"".as_slice()).expect("read"), Content::default());
    }

    #[test]
    fn packed_files_one_after_the_other_are_one() {
        assert_eq!(unpacked([packed("a\n"), packed("b\n")].concat().as_slice()).expect("read").bytes, b"a\nb\n");
    }
}
