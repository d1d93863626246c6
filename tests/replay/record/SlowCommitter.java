/* SPDX-License-Identifier: Apache-2.0
 * An output committer whose job commit takes minutes, as on a slow object store. */
import java.io.IOException;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.mapreduce.JobContext;
import org.apache.hadoop.mapreduce.TaskAttemptContext;
import org.apache.hadoop.mapreduce.lib.output.FileOutputCommitter;

public class SlowCommitter extends FileOutputCommitter {
	public SlowCommitter(Path path, TaskAttemptContext context) throws IOException {
		super(path, context);
	}

	@Override
	public void commitJob(JobContext context) throws IOException {
		try {
			Thread.sleep(1000000);
		} catch (InterruptedException e) {
			throw new IOException(e);
		}
		super.commitJob(context);
	}
}
