//! Compressed histories: large ones are packed when their run is over, and read like any other. Looks into no history.
//!
//! A run writes plain lines, so that whatever ends it leaves a file that is readable up to the cut. Packing begins when
//! nothing waits for this process any more, and the plain file is removed only when the packed one is complete.

use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use driftproof::consistency::append::Source;

use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;

/// Histories above this many bytes are packed.
pub(super) const LARGE: u64 = 64 << 20;
/// What an unpacked file may hold: more than a machine could judge, less than a small file could be made to unpack to.
const UNPACKED_MAX: u64 = 64 << 30;
/// Bytes that are read at once.
const PIECE: usize = 1 << 18;
/// The first bytes of what `gzip` writes.
const MAGIC: [u8; 2] = [0x1f, 0x8b];

/// What a file holds.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Content {
    /// Its bytes, unpacked; whole lines of them if it was cut.
    pub(super) bytes: Vec<u8>,
    /// Why a packed file cannot be read to its end.
    pub(super) cut: Option<String>,
    /// Whether there are more bytes than were asked for: then only these are here.
    pub(super) over: bool,
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

/// Reads so many bytes at most of a file, packed or not; beside a name that is not there, of the packed file of that name.
///
/// # Errors
/// As the file system says.
pub(super) fn read(path: &Path, most: u64) -> io::Result<Content> {
    let file = open(path)?;
    let size = file.metadata().map_or(0, |metadata| metadata.len()).min(most);
    // No more room than the bytes need.
    let bytes = Vec::with_capacity(usize::try_from(size).unwrap_or(0));
    content(bytes, file, most)
}

/// A file that is read at many places. One that is packed cannot be, and is no history in plain text.
pub(super) struct Plain<'a> {
    file: &'a File,
    size: u64,
}

impl<'a> Plain<'a> {
    /// With the size that it has now.
    pub(super) fn of(file: &'a File) -> Self {
        Self { file, size: file.metadata().map_or(0, |metadata| metadata.len()) }
    }
}

impl Source for Plain<'_> {
    fn size(&self) -> u64 {
        self.size
    }

    fn read_at(&self, at: u64, into: &mut [u8]) -> io::Result<()> {
        self.file.read_exact_at(into, at)
    }
}

/// Opens a file, or the packed one of its name.
///
/// # Errors
/// As the file system says.
pub(super) fn open(path: &Path) -> io::Result<File> {
    match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => File::open(with_end(path, ".gz")).map_err(|_| error),
        opened => opened,
    }
}

/// So many bytes at most of a stream, unpacked if it begins as a packed one does.
///
/// # Errors
/// As the stream says, or when it unpacks to too much.
pub(super) fn unpacked(from: impl Read, most: u64) -> io::Result<Content> {
    content(Vec::new(), from, most)
}

fn content(bytes: Vec<u8>, from: impl Read, most: u64) -> io::Result<Content> {
    let mut content = Content { bytes, ..Content::default() };
    let (packed, whole) = begun(from)?;
    if !packed {
        whole.take(most.saturating_add(1)).read_to_end(&mut content.bytes)?;
        content.over = content.bytes.len() as u64 > most;
        return Ok(content);
    }
    let cut = unpack(whole, |piece| {
        content.over = content.over || (content.bytes.len() + piece.len()) as u64 > most;
        if !content.over {
            content.bytes.extend_from_slice(piece);
        }
        !content.over
    })?;
    if cut.is_some() && !content.over {
        let lines = content.bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1);
        content.bytes.truncate(lines);
    }
    content.cut = cut;
    Ok(content)
}

/// Gives out the same bytes piece by piece, as long as `each` says that it wants more. The answer is why a packed file cannot be
/// read to its end, which is tried in any case: what is in a part of a history is of no use.
///
/// # Errors
/// As the stream says, or when it unpacks to too much.
pub(super) fn pieces(from: impl Read, mut each: impl FnMut(&[u8]) -> bool) -> io::Result<Option<String>> {
    let (packed, mut whole) = begun(from)?;
    if packed {
        return unpack(whole, each);
    }
    let mut piece = vec![0; PIECE];
    loop {
        let count = whole.read(&mut piece)?;
        if count == 0 || !each(&piece[..count]) {
            return Ok(None);
        }
    }
}

/// The first bytes of a file, unpacked; all of them if there are no more.
///
/// # Errors
/// As the file system says.
pub(super) fn head(path: &Path, most: usize) -> io::Result<Vec<u8>> {
    let (packed, whole) = begun(open(path)?)?;
    let mut bytes = Vec::new();
    if packed {
        // One that is cut or damaged is told when it is read.
        let _cut = MultiGzDecoder::new(BufReader::new(whole)).take(most as u64).read_to_end(&mut bytes);
    } else {
        whole.take(most as u64).read_to_end(&mut bytes)?;
    }
    Ok(bytes)
}

/// Whether the stream begins as a packed one does, and the whole of it.
fn begun(mut from: impl Read) -> io::Result<(bool, impl Read)> {
    let mut first = Vec::with_capacity(MAGIC.len());
    from.by_ref().take(MAGIC.len() as u64).read_to_end(&mut first)?;
    Ok((first == MAGIC, io::Cursor::new(first).chain(from)))
}

/// Unpacks piece by piece; why it cannot be done to the end.
fn unpack(from: impl Read, mut each: impl FnMut(&[u8]) -> bool) -> io::Result<Option<String>> {
    let mut plain = MultiGzDecoder::new(BufReader::with_capacity(1 << 16, from)).take(UNPACKED_MAX);
    let mut piece = vec![0; PIECE];
    let (mut lines, mut wanted) = (0_usize, true);
    loop {
        match plain.read(&mut piece) {
            Ok(0) if plain.limit() == 0 => return Err(io::Error::other("it unpacks to more than can be a history")),
            Ok(0) => return Ok(None),
            Ok(count) => {
                lines += piece[..count].split(|byte| *byte == b'\n').skip(1).count();
                wanted = wanted && each(&piece[..count]);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => {
                return Ok(Some(format!("the compressed file is cut or damaged after line {lines} ({error})")));
            }
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
            let content = read(&folder.path().join(name), u64::MAX).expect("read");
            let whole = Content { bytes: lines(count).into_bytes(), ..Content::default() };
            assert_eq!(content, whole, "{name}");
            let size = whole.bytes.len() as u64;
            let within = |most| read(&folder.path().join(name), most).expect("read");
            assert_eq!(within(size), whole, "{name}");
            assert!(within(size - 1).over && within(size - 1).bytes.len() as u64 <= size, "{name}");
        }
        assert!(read(&folder.path().join("history-2.jsonl"), 1).is_err());
    }

    #[test]
    fn a_packed_file_that_is_cut_is_read_up_to_the_cut_and_says_so() {
        let whole = lines(20_000);
        let packed = packed(&whole);
        for kept in [packed.len() / 2, packed.len() * 9 / 10, packed.len() - 1] {
            let content = unpacked(&packed[..kept], u64::MAX).expect("read");
            assert!(content.cut.is_some(), "{kept} of {}", packed.len());
            assert!(whole.as_bytes().starts_with(&content.bytes) && content.bytes.ends_with(b"\n"));
            let share = content.bytes.len() * 100 / whole.len();
            assert!(share + 15 >= kept * 100 / packed.len(), "{share} % of the lines from {kept} of {}", packed.len());
        }
        assert_eq!(unpacked(&packed[..1], u64::MAX).expect("read").bytes, [MAGIC[0]], "one byte is no packed file");
        assert_eq!(unpacked(b"".as_slice(), u64::MAX).expect("read"), Content::default());
    }

    #[test]
    fn packed_files_one_after_the_other_are_one() {
        assert_eq!(
            unpacked([packed("a\n"), packed("b\n")].concat().as_slice(), u64::MAX).expect("read").bytes,
            b"a\nb\n"
        );
    }
}
