//! The GPUs of this machine, by NVIDIA's driver.
//!
//! Invariant: numbers are those of CUDA for this process, so that `cuda:0` here is the first GPU of a worker.

use std::path::Path;
use std::process::{Command, Stdio};

/// A GPU.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gpu {
    /// The value of CUDA_VISIBLE_DEVICES for this GPU alone.
    pub id: String,
    pub name: String,
    /// Total and free memory, in MiB.
    pub memory: Option<(u64, u64)>,
}

/// Where Linux lists the GPUs of the driver.
const DRIVER: &str = "/proc/driver/nvidia/gpus";
const VISIBLE: &str = "CUDA_VISIBLE_DEVICES";

/// The GPUs that this process may use, in CUDA's order.
pub fn find() -> Vec<Gpu> {
    let all = by_tool().unwrap_or_else(by_driver);
    match std::env::var(VISIBLE) {
        Ok(visible) => choose(all, &visible),
        Err(_) => all,
    }
}

/// By `nvidia-smi`; `None` if it cannot be run.
fn by_tool() -> Option<Vec<Gpu>> {
    let output = Command::new("nvidia-smi")
        .args([
            "--query-gpu=index,name,memory.total,memory.free",
            "--format=csv,noheader,nounits",
        ])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    output
        .status
        .success()
        .then(|| read_table(&String::from_utf8_lossy(&output.stdout)))
}

/// Reads the table of `nvidia-smi`: index, name, total and free memory in MiB.
fn read_table(text: &str) -> Vec<Gpu> {
    let gpu = |line: &str| {
        let (id, rest) = line.split_once(',')?;
        let mut fields = rest.rsplitn(3, ',').map(str::trim);
        let (free, total, name) = (fields.next()?, fields.next()?, fields.next()?);
        Some(Gpu {
            id: id.trim().to_owned(),
            name: name.to_owned(),
            memory: total.parse().ok().zip(free.parse().ok()),
        })
    };
    text.lines().filter_map(gpu).collect()
}

/// By the driver's folders, for machines without its tools.
fn by_driver() -> Vec<Gpu> {
    let Ok(entries) = Path::new(DRIVER).read_dir() else {
        return Vec::new();
    };
    // Folders are named by bus addresses, the order in which CUDA numbers equal GPUs.
    let mut folders: Vec<_> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .collect();
    folders.sort();
    let name = |folder: &Path| {
        let text = std::fs::read_to_string(folder.join("information")).ok()?;
        let line = text.lines().find_map(|line| line.strip_prefix("Model:"))?;
        Some(line.trim().to_owned())
    };
    let gpus = folders.iter().enumerate().map(|(number, folder)| Gpu {
        id: number.to_string(),
        name: name(folder).unwrap_or_else(|| "NVIDIA GPU".to_owned()),
        memory: None,
    });
    gpus.collect()
}

/// Those of `all` that CUDA_VISIBLE_DEVICES names, in its order, up to the first that does not exist.
fn choose(all: Vec<Gpu>, visible: &str) -> Vec<Gpu> {
    let by_id = |id: &str| {
        let known = all.iter().find(|gpu| gpu.id == id).cloned();
        // Only CUDA knows UUIDs, and parts of GPUs.
        let by_uuid = id.starts_with("GPU-") || id.starts_with("MIG-");
        known.or_else(|| {
            by_uuid.then(|| Gpu {
                id: id.to_owned(),
                name: id.to_owned(),
                memory: None,
            })
        })
    };
    visible.split(',').map(str::trim).map_while(by_id).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "0, NVIDIA H100 80GB HBM3, 81559, 80994\n1, NVIDIA L4, 23034, [N/A]\n";

    #[test]
    fn the_table_of_the_drivers_tool_is_read() {
        let gpus = read_table(TABLE);
        assert_eq!(gpus.len(), 2);
        assert_eq!(gpus[0].name, "NVIDIA H100 80GB HBM3");
        assert_eq!(gpus[0].memory, Some((81559, 80994)));
        assert_eq!((gpus[1].id.as_str(), gpus[1].memory), ("1", None));
        assert!(read_table("No devices were found\n").is_empty());
    }

    #[test]
    fn gpus_are_numbered_as_cuda_numbers_them() {
        let ids = |visible: &str| -> Vec<String> {
            let chosen = choose(read_table(TABLE), visible);
            chosen.into_iter().map(|gpu| gpu.id).collect()
        };
        assert_eq!(ids("1,0"), ["1", "0"]);
        assert_eq!(ids("1"), ["1"]);
        assert_eq!(
            ids("0,7,1"),
            ["0"],
            "CUDA stops at the first that does not exist"
        );
        assert_eq!(ids("-1"), [""; 0]);
        assert_eq!(ids(""), [""; 0]);
        assert_eq!(ids("GPU-1234,1"), ["GPU-1234", "1"]);
    }
}
