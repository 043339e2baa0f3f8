import { type Collector, plainAttributes } from './collector.js';

/** A metric as it was exported. */
export interface ExportedMetric {
  readonly scope: string;
  readonly schemaUrl: string | undefined;
  readonly name: string;
  readonly unit: string;
  readonly kind: 'histogram' | 'counter';
  readonly series: readonly ExportedSeries[];
}

/** One combination of attributes. */
export interface ExportedSeries {
  readonly attributes: Readonly<Record<string, unknown>>;
  /** Histograms: the number of records. */
  readonly count: number;
  readonly sum: number;
  /** Histograms: the limits of its buckets. */
  readonly buckets: readonly number[];
}

export function toExportedMetric({
  scope,
  schemaUrl,
  metric,
}: Collector['metrics'][number]): ExportedMetric {
  const { name, unit, histogram, sum } = metric as {
    name: string;
    unit: string;
    histogram?: { dataPoints: Point[] };
    sum?: { dataPoints: Point[]; isMonotonic: boolean };
  };
  if (sum !== undefined && !sum.isMonotonic) throw new Error(`${name} is no counter.`);
  const points = (histogram ?? sum)!.dataPoints;
  return {
    scope,
    schemaUrl: schemaUrl || undefined,
    name,
    unit,
    kind: histogram === undefined ? 'counter' : 'histogram',
    series: points.map((point) => ({
      attributes: plainAttributes(point.attributes),
      count: Number(point.count ?? 0),
      sum: Number(point.sum ?? point.asDouble ?? point.asInt ?? 0),
      buckets: point.explicitBounds ?? [],
    })),
  };
}

interface Point {
  readonly attributes: unknown;
  readonly count?: number | string;
  readonly sum?: number;
  readonly asDouble?: number;
  readonly asInt?: number | string;
  readonly explicitBounds?: number[];
}
