#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Holds the sources against the layers of ARCHITECTURE.md: who may include whom, what the core may call,
and that no two files need one another.

Usage: layering.py ROOT OBJECTS; exit 0: clean, 1: a violation, named on standard output.
"""
import collections
import pathlib
import re
import subprocess
import sys

# Layer: the layers that it may include, besides itself.
LAYERS = {
    "base": "",
    "core": "base",
    "conf": "base",
    "wire": "base core",
    "io": "base",
    "source": "base core wire io",
    "action": "base core wire io",
    "notify": "base core wire io",
    "setup": "base core conf wire io source action notify",
    "store": "base core io setup",
    "watch": "base core wire io source setup",
    "remedy": "base core wire io source action setup store watch",
    "notifier": "base core wire io notify setup store",
    "web": "base core wire io source action notify setup store watch remedy notifier",
    "daemon": "base core conf wire io source action notify setup store watch remedy notifier web",
    "ctl": "base core wire io",
    "main": "base conf io setup watch daemon",
    "stagewatchctl": "ctl",
}
# The wings of the core, likewise.
WINGS = {
    "facts": "",
    "audit": "facts",
    "detect": "facts audit",
    "act": "facts audit detect",
    "notify": "facts audit detect act",
}
# Headers of libraries: the layers that may include them.
LIBRARIES = {
    "curl/": "io",
    "microhttpd.h": "io",
    "cjson/": "wire",
    "ini.h": "conf",
    "systemd/sd-journal.h": "base",
    "systemd/sd-event.h": "io setup store watch remedy notify notifier web daemon",
    "systemd/sd-daemon.h": "io",
    "zlib.h": "io",
    "xxhash.h": "base",
    "sqlite3.h": "io",
    "openssl/": "io",
    "gssapi/": "io",
    "gnutls/": "io",
    "crypt.h": "io",
    "yaml.h": "conf",
}
# One place asks for the time and sets timers.
CLOCK = re.compile(r"\b(clock_gettime|gettimeofday|sd_event_now|sd_event_add_time|sd_event_source_set_time)")
# The core sees data and the time it is given: no clock, file, network, environment, process or log.
IMPURE = re.compile(
    r"(curl_|HMAC|EVP_|posix_spawn|sqlite3_|sd_|MHD_|cJSON_|ini_|log_|clock_|epoll_|pthread_|exec[lv]|fexecve|inotify_"
    r"|timerfd_|signalfd).*"
    r"|(__)?(isoc99_)?(time|gettimeofday|localtime|localtime_r|open|openat|read|write|close|recv|recvfrom|recvmsg|send"
    r"|sendto|sendmsg|socket|connect|bind|printf|vprintf|fprintf|vfprintf|puts|putchar|fputs|fputc|fopen|fdopen|fread"
    r"|fwrite|fgets|getenv|secure_getenv|setlocale|exit|_exit|abort|fork|vfork|system|popen|sleep|usleep|nanosleep|poll"
    r"|ppoll|select|rand|random|getrandom|signal|sigaction|kill|syslog|stat|fstat|unlink|rename|mkdir)(64)?(_2)?(_chk)?")


def includes(root):
    """Faults of what files include, and of clocks that are not io/clock's."""
    for part in ("src", "include"):
        for file in sorted((root / part).rglob("*.[ch]")):
            text, way = file.read_text(), file.relative_to(root / part).parts
            name = "/".join((part,) + way)
            layer = way[0].removesuffix(".c")
            if layer not in LAYERS:
                yield f"{name}: layer {layer} is not in the table"
                continue
            for used in sorted(set(re.findall(r'^#include "([a-z]+)/', text, re.M))):
                if used != layer and used not in LAYERS[layer].split():
                    yield f"{name}: {layer} may not include {used}"
            for header, layers in LIBRARIES.items():
                if f"#include <{header}" in text and layer not in layers.split():
                    yield f"{name}: {layer} may not include <{header}>"
            if part == "src" and CLOCK.search(text) and way != ("io", "clock.c"):
                yield f"{name}: asks a clock or sets a timer by itself, not by io/clock.h"
            if layer == "core" and way[1] not in WINGS:
                yield f"{name}: is in no wing of the core"
            elif layer == "core":
                for used in sorted(set(re.findall(r'^#include "core/([a-z]+)/', text, re.M))):
                    if used != way[1] and used not in WINGS[way[1]].split():
                        yield f"{name}: core/{way[1]} may not include core/{used}"


def symbols(root, objects):
    """({object: symbols that it defines}, {object: symbols that it needs}), of objects that still have a source."""
    files = [f for f in sorted(objects.rglob("*.o"))
             if (root / "src" / f.relative_to(objects)).with_suffix(".c").exists()]
    listed = subprocess.run(["nm", "-A", *files], capture_output=True, text=True, check=True).stdout
    defines, needs = collections.defaultdict(set), collections.defaultdict(set)
    for row in listed.splitlines():
        file, _, symbol = row.rpartition(":")
        name, word = str(pathlib.Path(file).relative_to(objects).with_suffix("")), symbol.split()
        if word[-2] == "U":
            needs[name].add(word[-1].partition("@")[0])
        elif word[-2] in "TDBRVWC":
            defines[name].add(word[-1])
    return defines, needs


def impure(needs):
    called = {s: name for name, all_of_it in needs.items() if name.startswith("core/") for s in all_of_it}
    return [f"{called[s]}: core calls {s}" for s in sorted(called) if IMPURE.fullmatch(s)]


def circles(defines, needs):
    """Objects that need one another, at whatever remove, with the symbols that tie them."""
    owner = {s: name for name in sorted(defines) for s in defines[name]}
    edges = {name: collections.defaultdict(set) for name in sorted(defines.keys() | needs.keys())}
    for name, wanted in needs.items():
        for s in wanted:
            if owner.get(s, name) != name:
                edges[name][owner[s]].add(s)

    def reach(start):
        seen, todo = set(), [start]
        while todo:
            new = edges[todo.pop()].keys() - seen
            seen |= new
            todo += new
        return seen

    far = {name: reach(name) for name in edges}
    for circle in sorted({tuple(sorted(m for m in far[n] if n in far[m])) for n in edges if n in far[n]}):
        ties = [f"{a} needs {', '.join(sorted(edges[a][b]))} of {b}" for a in circle for b in circle if b in edges[a]]
        yield f"circle of {', '.join(circle)}: {'; '.join(ties)}"


def main(root, objects):
    defines, needs = symbols(root, objects)
    faults = [*includes(root), *impure(needs), *circles(defines, needs)]
    for fault in faults:
        print(fault)
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main(*map(pathlib.Path, sys.argv[1:3])))
