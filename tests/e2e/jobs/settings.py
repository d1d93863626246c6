# SPDX-License-Identifier: Apache-2.0
"""Writes to the file given, as JSON, what Spark itself says of its settings.

version; known: {key: [default, version]} of every ConfigEntry that Spark has registered; set: what is in force;
bad: {key: error} where the value in force is not one; heap: the driver's, in MiB; python: a Python worker's answer.
"""

import glob
import json
import os
import re
import sys
import zipfile

import pyspark
from pyspark.sql import SparkSession

# Objects whose loading registers the keys that are declared in them.
DECLARES = re.compile(
    r"org/apache/spark/(internal/config/[^/$]+\$|sql/internal/(Static)?SQLConf\$|deploy/(yarn/config/package|k8s/Config)\$)\.class"
)


def entries(jvm):
    """Every registered ConfigEntry, by key."""
    for jar in glob.glob(os.path.join(os.path.dirname(pyspark.__file__), "jars", "spark-*.jar")):
        for name in zipfile.ZipFile(jar).namelist():
            if DECLARES.fullmatch(name):
                jvm.java.lang.Class.forName(name[: -len(".class")].replace("/", "."))
    name = "org.apache.spark.internal.config.ConfigEntry$"
    registry = jvm.java.lang.Class.forName(name)
    field = next(f for f in registry.getDeclaredFields() if "knownConfigs" in f.getName())
    field.setAccessible(True)
    known = field.get(getattr(getattr(jvm.org.apache.spark.internal.config, "ConfigEntry$"), "MODULE$"))
    return {entry.key(): entry for entry in list(known.values())}


def main(path):
    session = SparkSession.builder.getOrCreate()
    context, jvm = session.sparkContext, session._jvm
    known = entries(jvm)
    conf = context._jsc.sc().conf()
    found = dict(context.getConf().getAll())
    bad = {}
    for key in found:
        if key in known:
            try:
                conf.get(known[key])
            except Exception as error:
                bad[key] = str(error).splitlines()[-1]
    answer = {
        "version": session.version,
        "known": {key: [entry.defaultValueString(), entry.version()] for key, entry in known.items()},
        "set": found,
        "bad": bad,
        "heap": jvm.java.lang.Runtime.getRuntime().maxMemory() >> 20,
        "python": context.parallelize(range(4), 2).map(lambda n: n * n).sum(),
    }
    session.stop()
    with open(path, "w") as out:
        json.dump(answer, out)


if __name__ == "__main__":
    main(sys.argv[1])
