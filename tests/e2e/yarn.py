# SPDX-License-Identifier: Apache-2.0
"""A real YARN for tests: a ResourceManager and a NodeManager on free ports of 127.0.0.1.

    with Yarn(dir) as yarn:
        child = yarn.submit("cluster", "hang.py", ["hang"], {"spark.app.name": "x"})

The jars come from tests/setup (part yarn). Ends as the other labs do: containers carry its marker, too.
"""
import os
import re

import lab

LOG = """log4j.rootLogger=INFO,A
log4j.appender.A=org.apache.log4j.ConsoleAppender
log4j.appender.A.layout=org.apache.log4j.PatternLayout
log4j.appender.A.layout.ConversionPattern=%d{ISO8601} %p %c{1}: %m%n
"""


class Yarn(lab.Lab):
    """One ResourceManager, one NodeManager."""

    java_options = ""  # of each JVM

    def __init__(self, directory, memory=8192):
        super().__init__(os.path.join(directory, "yarn"))
        self.memory = memory
        self.jars = lab.env_dir("yarn") / "jars"
        self.env = lab.env_dir("spark")
        self.packages = next(self.env.glob("lib/python3*/site-packages"))
        self.home = self.packages / "pyspark"
        self.conf = self.dir / "conf"
        self.python = str(self.env / "bin" / "python3")
        self.submitted = 0

    def client_environ(self):
        """What spark-submit needs, and Airflow's connection spark_yarn."""
        extra = lab.urllib.parse.quote(lab.json.dumps(
            {"deploy-mode": "cluster", "yarn_resourcemanager_webapp_address": self.url}))
        return {
            "SPARK_HOME": str(self.home),
            "SPARK_CONF_DIR": str(self.conf),
            "HADOOP_CONF_DIR": str(self.conf),
            "SPARK_LOCAL_IP": "127.0.0.1",
            "SPARK_LOCAL_DIRS": str(self.dir / "tmp"),
            "PYSPARK_PYTHON": self.python,
            "PYTHONPATH": str(self.packages),
            "AIRFLOW_CONN_SPARK_YARN": f"spark://yarn?__extra__={extra}",
        }

    def environ(self):
        env = super().environ()
        env.update(self.client_environ())
        env["PATH"] = f"{self.env / 'bin'}:{env.get('PATH', '/usr/bin:/bin')}"
        return env

    def site(self, name, values):
        """A configuration file of Hadoop's."""
        rows = "".join(f"<property><name>{k}</name><value>{v}</value></property>\n" for k, v in values.items())
        (self.conf / name).write_text(f"<configuration>\n{rows}</configuration>\n")

    def fetch(self, url):
        """The status and the body of an answer."""
        return lab.http("GET", url, timeout=10)

    def configure(self):
        for name in ("conf", "tmp", "local", "containers", "stage"):
            (self.dir / name).mkdir(exist_ok=True)
        port = {name: lab.free_port() for name in ("rm", "scheduler", "tracker", "admin", "web", "nm")}
        self.url, self.nm_url = f"http://127.0.0.1:{port['web']}", f"http://127.0.0.1:{port['nm']}"
        rm = "yarn.resourcemanager"
        self.site("core-site.xml", {"fs.defaultFS": "file:///", "hadoop.tmp.dir": self.dir / "tmp"})
        self.site("capacity-scheduler.xml", {
            "yarn.scheduler.capacity.root.queues": "default",
            "yarn.scheduler.capacity.root.default.capacity": 100,
            "yarn.scheduler.capacity.maximum-am-resource-percent": 0.9})
        self.site("yarn-site.xml", {
            f"{rm}.hostname": "127.0.0.1",
            f"{rm}.address": f"127.0.0.1:{port['rm']}",
            f"{rm}.scheduler.address": f"127.0.0.1:{port['scheduler']}",
            f"{rm}.resource-tracker.address": f"127.0.0.1:{port['tracker']}",
            f"{rm}.admin.address": f"127.0.0.1:{port['admin']}",
            f"{rm}.webapp.address": f"127.0.0.1:{port['web']}",
            "yarn.nodemanager.hostname": "127.0.0.1",
            "yarn.nodemanager.address": "127.0.0.1:0",
            "yarn.nodemanager.localizer.address": "127.0.0.1:0",
            "yarn.nodemanager.webapp.address": f"127.0.0.1:{port['nm']}",
            "yarn.nodemanager.resource.memory-mb": self.memory,
            "yarn.nodemanager.resource.cpu-vcores": 16,
            "yarn.scheduler.minimum-allocation-mb": 256,
            "yarn.nodemanager.local-dirs": self.dir / "local",
            "yarn.nodemanager.log-dirs": self.dir / "containers",
            "yarn.nodemanager.vmem-check-enabled": "false",
            "yarn.nodemanager.pmem-check-enabled": "false",
            "yarn.nodemanager.disk-health-checker.enable": "false",
            # Without it the beans of containers have no values.
            "yarn.nodemanager.container-metrics.period-ms": 3000,
            "yarn.nodemanager.env-whitelist": f"JAVA_HOME,PATH,LANG,{lab.MARKER}"})
        (self.conf / "log4j.properties").write_text(LOG)
        options = f"-XX:TieredStopAtLevel=1 -XX:+UseSerialGC {self.java_options}"
        (self.conf / "spark-defaults.conf").write_text(f"""spark.driver.memory 512m
spark.executor.memory 512m
spark.executor.instances 2
spark.executor.cores 3
spark.yarn.am.memory 512m
spark.driver.extraJavaOptions {options}
spark.executor.extraJavaOptions {options}
spark.yarn.am.extraJavaOptions {options}
spark.yarn.stagingDir file://{self.dir}/stage
spark.yarn.jars local:{self.home}/jars/*
spark.yarn.appMasterEnv.PYSPARK_PYTHON {self.python}
spark.executorEnv.PYSPARK_PYTHON {self.python}
""")

    def daemon(self, name, kind):
        java = ["java", "-Xmx256m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"]
        java += self.java_options.split()
        java += [f"--add-opens=java.base/{p}=ALL-UNNAMED" for p in ("java.lang", "java.net")]
        server = f"org.apache.hadoop.yarn.server.{kind.lower()}.{kind}"
        return self.spawn(name, java + ["-cp", f"{self.conf}:{self.jars}/*", server])

    def start(self):
        self.configure()
        children = [self.daemon("rm", "ResourceManager"), self.daemon("nm", "NodeManager")]
        self.wait_up(lambda: [n["state"] for n in self.get("nodes")["nodes"].get("node", [])] == ["RUNNING"], children)

    def get(self, path):
        status, body = self.fetch(f"{self.url}/ws/v1/cluster/{path}")
        if status != 200 or not isinstance(body, dict):
            raise lab.LabError(f"the ResourceManager answered {status}")
        return body

    def app(self, app_id):
        return self.get(f"apps/{app_id}")["app"]

    def apps(self, **wanted):
        """All apps, the oldest first; wanted: fields and their values."""
        found = self.get("apps")["apps"].get("app", [])
        return sorted((a for a in found if all(a[k] == v for k, v in wanted.items())), key=lambda a: a["id"])

    def submit(self, mode, script, args=(), conf=None):
        """Start an application in client or cluster mode; its log is logs/<.lab_name>.log."""
        self.submitted += 1
        options = ["--master", "yarn", "--deploy-mode", mode]
        for key, value in (conf or {}).items():
            options += ["--conf", f"{key}={value}"]
        return self.spawn(f"submit-{self.submitted}", [self.home / "bin" / "spark-submit", *options, script, *args])

    def submit_client(self, script, args=(), conf=None):
        """Start an application in client mode, whose script says that it hangs; its id.

        Spark 4.3 attaches the pages of its UI while the filter of YARN's proxy is added to them. Now and then it fails in
        that, and ends: then there is no application to look at, and another one is started."""
        while True:
            child = self.submit("client", script, args, conf)
            raced = "ERROR SparkContext: Error initializing SparkContext.\njava.util.ConcurrentModificationException"
            lab.wait(lambda: " hangs\n" in self.log(child.lab_name) or raced in self.log(child.lab_name), "it runs")
            if raced not in self.log(child.lab_name):
                return self.id_of(child)

    def id_of(self, child):
        """The app id that a submission logged; None: not yet."""
        found = re.search(r"Submitted application (application_\d+_\d+)", self.log(child.lab_name))
        return found.group(1) if found else None
