#!/bin/sh
# Prints the folder of a libtorch 2.11.0 that `sweep-torch` can be built against (`include/` and `lib/` are in it):
#
#   1. $LIBTORCH, if set;
#   2. that of PyTorch 2.11.0, if python3 has it: the way to GPUs;
#   3. one for CPUs out of PyTorch's wheels, pinned and checked by hash, fetched into a cache that all checkouts
#      share ($SWEEP_CACHE, else $XDG_CACHE_HOME/sweep, else ~/.cache/sweep): 534 MB to fetch once, 498 MB to keep.
#
# Everything but the path goes to standard error.
set -eu

version=2.11.0

say() { echo "$*" >&2; }
fail() { say "make torch: $*"; exit 1; }

if [ -n "${LIBTORCH:-}" ]; then
  [ -e "$LIBTORCH/lib/libtorch_cpu.so" ] || fail "LIBTORCH is $LIBTORCH, but there is no lib/libtorch_cpu.so in it; unset it to have libtorch found or fetched"
  if [ -e "$LIBTORCH/build-version" ]; then
    found=$(cut -d+ -f1 "$LIBTORCH/build-version")
    [ "$found" = "$version" ] || fail "LIBTORCH is libtorch $found; sweep-torch is built against $version"
  fi
  say "libtorch: $LIBTORCH (LIBTORCH)"
  echo "$LIBTORCH"
  exit
fi

# Asked of the package's metadata, which is quicker than importing it.
of_python=$(python3 - "$version" 2>/dev/null <<'PYTHON' || true
import importlib.metadata, importlib.util, os, sys
if importlib.metadata.version("torch").split("+")[0] == sys.argv[1]:
    print(os.path.dirname(importlib.util.find_spec("torch").origin))
PYTHON
)
if [ -n "$of_python" ] && [ -e "$of_python/lib/libtorch_cpu.so" ]; then
  say "libtorch: $of_python (PyTorch $version of python3)"
  echo "$of_python"
  exit
fi

machine=$(uname -m)
cache=${SWEEP_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/sweep}
home=$cache/libtorch-$version-cpu-$machine
if [ -e "$home/build-version" ]; then
  say "libtorch: $home"
  echo "$home"
  exit
fi

[ "$(uname -s)-$machine" = Linux-x86_64 ] || fail "no pinned libtorch for $(uname -s) on $machine; install PyTorch $version for python3, or set LIBTORCH to a libtorch $version"
python3 -m pip --version >/dev/null 2>&1 || fail "python3 with pip is needed to fetch libtorch; install them (Debian, Ubuntu: apt install python3-pip), or set LIBTORCH to a libtorch $version"

mkdir -p "$cache"
fetch=$(mktemp -d "$cache/fetch-libtorch.XXXXXX")
trap 'rm -rf "$fetch"' EXIT
trap 'exit 1' HUP INT TERM
say "fetching libtorch $version (534 MB, once) into $home"
cat > "$fetch/requirements.txt" <<'PINS'
torch==2.11.0 --hash=sha256:7aa2f9bbc6d4595ba72138026b2074be1233186150e9292865e04b7a63b8c67a
nvidia-cuda-runtime==13.0.96 --hash=sha256:7f82250d7782aa23b6cfe765ecc7db554bd3c2870c43f3d1821f1d18aebf0548
nvidia-cuda-cupti==13.0.85 --hash=sha256:4eb01c08e859bf924d222250d2e8f8b8ff6d3db4721288cf35d14252a4d933c8
PINS
python3 -m pip --quiet --disable-pip-version-check --no-cache-dir download --require-hashes --no-deps --only-binary=:all: \
  --python-version 3.11 --platform manylinux_2_28_x86_64 --platform manylinux_2_25_x86_64 --platform manylinux2014_x86_64 \
  --dest "$fetch" -r "$fetch/requirements.txt" >&2 || fail "libtorch could not be fetched; see above"

# What training on CPUs needs of them. The libraries of CUDA's runtime are linked, not used.
python3 - "$fetch" <<'PYTHON' || fail "the wheels of libtorch could not be read; is $cache full?"
import glob, os, shutil, sys, zipfile
fetch = sys.argv[1]
home = os.path.join(fetch, "libtorch")
wanted = {"libtorch_cpu.so", "libc10.so", "libgomp.so.1", "libcudart.so.13", "libcupti.so.13"}
os.makedirs(os.path.join(home, "lib"))
for wheel in glob.glob(os.path.join(fetch, "*.whl")):
    with zipfile.ZipFile(wheel) as archive:
        for entry in archive.infolist():
            name = os.path.basename(entry.filename)
            if entry.filename.startswith("torch/include/") and not entry.is_dir():
                path = os.path.join(home, entry.filename.removeprefix("torch/"))
            elif name in wanted:
                path = os.path.join(home, "lib", name)
            else:
                continue
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with archive.open(entry) as source, open(path, "wb") as target:
                shutil.copyfileobj(source, target, 1 << 20)
    os.remove(wheel)
missing = wanted - set(os.listdir(os.path.join(home, "lib")))
if missing:
    sys.exit("not in the wheels: " + ", ".join(sorted(missing)))
# The wheel's own libtorch.so wants the GPU's half as well.
os.symlink("libtorch_cpu.so", os.path.join(home, "lib", "libtorch.so"))
with open(os.path.join(home, "build-version"), "w") as file:
    file.write("2.11.0+cpu\n")
PYTHON

# In one step: another checkout may be fetching too, and either copy serves.
mv -T "$fetch/libtorch" "$home" 2>/dev/null || [ -e "$home/build-version" ] || fail "cannot write $home"
say "libtorch: $home"
echo "$home"
