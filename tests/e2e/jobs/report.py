# SPDX-License-Identifier: Apache-2.0
"""Writes what Spark's REST API says of this application's spark.airflow.* properties to the file given."""

import sys

from pyspark.sql import SparkSession


def properties(session):
    import json
    import urllib.request

    context = session.sparkContext
    url = f"{context.uiWebUrl}/api/v1/applications/{context.applicationId}/environment"
    with urllib.request.urlopen(url, timeout=30) as answer:
        pairs = json.load(answer)["sparkProperties"]
    return {key: value for key, value in pairs if key.startswith("spark.airflow.")}


def report(path):
    import json
    import os

    session = SparkSession.builder.master("local[1]").appName("report").getOrCreate()
    found = properties(session)
    session.stop()
    with open(path + ".new", "w") as out:
        json.dump(found, out)
    os.rename(path + ".new", path)


if __name__ == "__main__":
    report(sys.argv[1])
