import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { UsageError } from '../definition/errors.js';
import type { VegaLiteSpec } from './vega-lite-spec.js';

export const PLOT_FORMATS = ['svg', 'png', 'pdf', 'html'] as const;
export type PlotFormat = (typeof PLOT_FORMATS)[number];

/** PNG: so many pixels for each of the chart's own, sharp on dense screens and in print. */
const PIXEL_RATIO = 2;
const MARGIN = 10;

/**
 * The format that a file's extension names.
 *
 * @throws UsageError naming the four
 */
export function plotFormatOf(file: string, option = '--out'): PlotFormat {
  const extension = /\.([^./\\]+)$/.exec(file)?.[1]?.toLowerCase();
  const format = PLOT_FORMATS.find((each) => each === extension);
  if (format) return format;
  throw new UsageError({
    code: 'METALAB_PLOT_FORMAT',
    where: option,
    what: `'${file}' has ${extension === undefined ? 'no extension' : `the extension .${extension}`}`,
    expected: PLOT_FORMATS.map((each) => `.${each}`).join(', '),
  });
}

/** Draws a chart, without a browser. */
export async function renderPlot(spec: VegaLiteSpec, format: PlotFormat): Promise<string | Uint8Array> {
  const svg = await renderSvg(spec);
  switch (format) {
    case 'svg':
      return svg;
    case 'png':
      return renderPng(svg);
    case 'pdf':
      return renderPdf(svg);
    default:
      return htmlPage(spec, svg);
  }
}

async function renderSvg(spec: VegaLiteSpec): Promise<string> {
  const [vega, { compile }] = await Promise.all([import('vega'), import('vega-lite')]);
  const silent = vega.logger(vega.None);
  // Vega marks the data that it is given.
  const compiled = compile(
    { ...structuredClone(spec), padding: MARGIN } as unknown as Parameters<typeof compile>[0],
    {
      logger: silent as NonNullable<Parameters<typeof compile>[1]>['logger'],
    },
  );
  const view = new vega.View(vega.parse(compiled.spec), { renderer: 'none', logger: silent });
  try {
    // XML has no control characters, however they are written: names of columns may have some.
    return (await view.toSVG()).replace(/[^\P{Cc}\n]/gu, '\ufffd');
  } finally {
    view.finalize();
  }
}

/** DejaVu comes with metalab: many servers have no fonts at all, and letters would be missing. */
function fontFiles(): { readonly regular: string; readonly bold: string } {
  return {
    regular: fileURLToPath(import.meta.resolve('dejavu-fonts-ttf/ttf/DejaVuSans.ttf')),
    bold: fileURLToPath(import.meta.resolve('dejavu-fonts-ttf/ttf/DejaVuSans-Bold.ttf')),
  };
}

/** Scripts of Asia, and emoji: from the system's fonts. Reading those for every chart would take longer than drawing it. */
const NOT_IN_DEJAVU = /[\u0900-\u109f\u1100-\u1cff\u2e80-\ud7ff\uf900-\ufaff\u{10000}-\u{10ffff}]/u;

async function renderPng(svg: string): Promise<Uint8Array> {
  const { Resvg } = await import('@resvg/resvg-js');
  const { regular, bold } = fontFiles();
  const image = new Resvg(svg, {
    fitTo: { mode: 'zoom', value: PIXEL_RATIO },
    font: {
      fontFiles: [regular, bold],
      loadSystemFonts: NOT_IN_DEJAVU.test(svg),
      defaultFontFamily: 'DejaVu Sans',
    },
  });
  return image.render().asPng();
}

async function renderPdf(svg: string): Promise<Uint8Array> {
  const [{ default: PdfDocument }, { default: drawSvg }] = await Promise.all([
    import('pdfkit'),
    import('svg-to-pdfkit'),
  ]);
  const [, width = '0', height = '0'] = /<svg[^>]* width="([\d.]+)"[^>]* height="([\d.]+)"/.exec(svg) ?? [];
  const document = new PdfDocument({ size: [Number(width), Number(height)], margin: 0 });
  const { regular, bold } = fontFiles();
  document.registerFont('regular', await readFile(regular));
  document.registerFont('bold', await readFile(bold));
  const chunks: Uint8Array[] = [];
  const ended = new Promise<void>((resolve, reject) => {
    document.on('data', (chunk: Uint8Array) => chunks.push(chunk));
    document.once('end', resolve).once('error', reject);
  });
  drawSvg(document, svg, 0, 0, {
    assumePt: true,
    fontCallback: (_family, isBold) => (isBold ? 'bold' : 'regular'),
  });
  document.end();
  await ended;
  return Buffer.concat(chunks);
}

/** One file that needs no network: the picture, and the spec with its data for Vega-Lite, Altair and others. */
function htmlPage(spec: VegaLiteSpec, svg: string): string {
  const title = String(spec.title).replace(/[&<>]/g, (character) => `&#${character.charCodeAt(0)};`);
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>${title}</title><style>body{margin:1em}svg{max-width:100%;height:auto}</style></head>
<body>
${svg}
<script type="application/json" id="vega-lite-spec">${JSON.stringify(spec).replaceAll('<', '\\u003c')}</script>
</body>
</html>
`;
}
