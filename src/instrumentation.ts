import { InstrumentationBase } from '@opentelemetry/instrumentation';
import { type HttpTraceInstrumentationConfig, type Options, resolveConfig } from './config';
import { addMeasurerSource } from './measuring';
import { watch } from './probes';
import { debugSource, isDebugging } from './sinks/debug';
import { measurerSource } from './sinks/metrics';
import { ConfiguredSource } from './source';
import { addSource } from './tracing';
import { VERSION } from './version';

/**
 * Shows what happens inside outgoing HTTP requests: as phases of the request's span, and to the hooks of {@link withClientTrace}.
 *
 * The request's span is the one that is active while the request is made: that of `@opentelemetry/instrumentation-http`, in either order of
 * registration, or one of yours; for `fetch` that of `@opentelemetry/instrumentation-undici`, see {@link HttpTraceSpanProcessor}. Without a recording span no phases are written; hooks run all the same. It works from the moment it is
 * constructed, for programs in CommonJS and ESM, whether or not they have imported `http` before.
 *
 * @example
 * ```ts
 * new NodeSDK({
 *   instrumentations: [getNodeAutoInstrumentations(), new HttpTraceInstrumentation({ mode: 'spans' })],
 * }).start();
 * ```
 */
export class HttpTraceInstrumentation extends InstrumentationBase<HttpTraceInstrumentationConfig> {
  // The base class calls setConfig() and enable() before fields of this one would be initialized: they are only declared.
  private declare options: Options;
  private declare unwatch: (() => void) | undefined;
  private declare removeSource: (() => void) | undefined;
  private declare removeMeasurer: (() => void) | undefined;

  /** @param config - see {@link HttpTraceInstrumentationConfig}; wrong options are reported to `diag` and never throw */
  constructor(config: HttpTraceInstrumentationConfig = {}) {
    super('opentelemetry-instrumentation-httptrace', VERSION, config);
  }

  /** There is no module to wait for: what is patched are prototypes, which serve code that was loaded before us as well. */
  protected override init(): void {}

  /** Changes the options, also while enabled, for the requests made from now on. `enabled` counts at construction only. */
  override setConfig(config: HttpTraceInstrumentationConfig = {}): void {
    this.options = resolveConfig(config);
    super.setConfig(configOf(this.options));
    if (this.unwatch === undefined) return;
    this.replaceSource();
    this.replaceMeasurer();
  }

  /** Begins to watch. May be called again after {@link disable}. */
  override enable(): void {
    super.enable();
    if (this.unwatch !== undefined) return;
    this.unwatch = watch();
    if (isDebugging()) addSource(debugSource);
    this.replaceSource();
    this.replaceMeasurer();
  }

  /** Stops watching and takes every patch back. Requests under way are no longer reported. */
  override disable(): void {
    super.disable();
    this.removeSource?.();
    this.removeMeasurer?.();
    this.unwatch?.();
    this.removeSource = undefined;
    this.removeMeasurer = undefined;
    this.unwatch = undefined;
  }

  private replaceSource(): void {
    this.removeSource?.();
    this.removeSource = addSource(new ConfiguredSource(this.options, () => this.tracer));
  }

  /** The base class calls this when it is given a MeterProvider; first before anything of this class is set up. */
  protected override _updateMetricInstruments(): void {
    if (this.unwatch !== undefined) this.replaceMeasurer();
  }

  private replaceMeasurer(): void {
    const remove = this.removeMeasurer;
    const { instrumentationName, instrumentationVersion } = this;
    // The new one first: what was counted stays counted if it is the same.
    this.removeMeasurer = this.options.metrics
      ? addMeasurerSource(measurerSource(this.meter, instrumentationName, instrumentationVersion))
      : undefined;
    remove?.();
  }
}

/** As the base class keeps it: only what is right, and an absent option absent. */
function configOf({ ignoreRequest, clientTrace, ...others }: Options): HttpTraceInstrumentationConfig {
  return { ...others, ...(ignoreRequest && { ignoreRequest }), ...(clientTrace && { clientTrace }) };
}
