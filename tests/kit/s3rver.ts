// s3rver as a program: port, folder, bucket.
import S3rver from 's3rver'

const [port, directory, bucket = ''] = process.argv.slice(2)
await new S3rver({
  ...{ port: Number(port), address: '127.0.0.1', silent: true, directory },
  configureBuckets: [{ name: bucket, configs: [] }],
}).run()
