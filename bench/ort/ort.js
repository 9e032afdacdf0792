// ONNX Runtime (fp32, CPU) on CIFAR-10 records: prints one JSON line with images per second and Top-1.
// Usage: node ort.js MODEL.onnx RECORDS.bin THREADS LIMIT [PREDICTIONS]
// PREDICTIONS: a file for the class of every image, one a line.
// Normalisation comes from MODEL.input.json; batches of 100, the last one shorter; the first batch is run
// once more beforehand, untimed, to warm up.
'use strict';
const fs = require('fs');
const ort = require('onnxruntime-node');

const BATCH = 100, RECORD = 3073, PIXELS = 1024;

function batchTensor(bytes, first, count, norm) {
  const data = new Float32Array(count * 3 * PIXELS);
  for (let i = 0; i < count; i++)
    for (let c = 0; c < 3; c++) {
      const from = (first + i) * RECORD + 1 + c * PIXELS, to = (i * 3 + c) * PIXELS;
      for (let p = 0; p < PIXELS; p++) data[to + p] = (bytes[from + p] / 255 - norm.mean[c]) / norm.std[c];
    }
  return new ort.Tensor('float32', data, [count, 3, 32, 32]);
}

function classesOf(count, scores) {
  const n = scores.length / count;
  return Array.from({ length: count }, (_, i) => {
    const row = scores.subarray(i * n, i * n + n);
    return row.indexOf(Math.max(...row));
  });
}

async function main([model, records, threads, limit, predictions]) {
  const norm = JSON.parse(fs.readFileSync(model.replace(/\.onnx$/, '.input.json')));
  const bytes = fs.readFileSync(records);
  const images = Math.floor(Math.min(Number(limit), bytes.length / RECORD));
  const session = await ort.InferenceSession.create(model, {
    executionProviders: ['cpu'], intraOpNumThreads: Number(threads), interOpNumThreads: 1, logSeverityLevel: 3,
  });
  const input = session.inputNames[0], output = session.outputNames[0];
  await session.run({ [input]: batchTensor(bytes, 0, Math.min(BATCH, images), norm) });
  const classes = [];
  let seconds = 0;
  for (let first = 0; first < images; first += BATCH) {
    const count = Math.min(BATCH, images - first);
    const feed = { [input]: batchTensor(bytes, first, count, norm) };
    const start = process.hrtime.bigint();
    const result = await session.run(feed);
    seconds += Number(process.hrtime.bigint() - start) / 1e9;
    classes.push(...classesOf(count, result[output].data));
  }
  const hits = classes.filter((c, i) => c === bytes[i * RECORD]).length;
  if (predictions) fs.writeFileSync(predictions, classes.join('\n') + '\n');
  console.log(JSON.stringify({ images_per_second: images / seconds, top1: 100 * hits / images, images }));
}

main(process.argv.slice(2)).catch((e) => { console.error(e.message); process.exit(1); });
