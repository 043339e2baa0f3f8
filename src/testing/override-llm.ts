import { CallbacksConfigurationError, type LlmProvider } from '../index.js';
import { isProvider } from '../llm/create-client.js';
import { STAND_INS, StandIns } from '../llm/stand-ins.js';

/** The part of a `TestingModuleBuilder` that {@link overrideLlm} needs; its package need not be installed. */
export interface OverridableBuilder {
  overrideProvider(token: symbol): { useValue(value: object): unknown };
  compile(): Promise<unknown>;
}

/** A builder with its stored overrides, and its private fields. */
interface KnownBuilder extends OverridableBuilder {
  [STAND_INS]?: StandIns;
  readonly container?: { getModules?(): ReadonlyMap<unknown, unknown> };
}

/**
 * Replaces a client's provider, usually with a `FakeLlm`, in a test of a whole application, whose modules stay
 * unchanged. Neither a key nor the SDK is needed then. The configured label and model stay, and with them prices;
 * callbacks, limits, interceptors and agents behave as with the real model. It also replaces the result of
 * `llm.resolve`.
 *
 * @param builder the result of `Test.createTestingModule()`, before `compile()`
 * @param provider answers in place of the model
 * @param name the client: the name of a feature, or `'default'`; without it, every client without its own override,
 * including clients of modules that are loaded later
 * @returns the builder
 * @throws CallbacksConfigurationError after `compile()`, and for an invalid provider; `compile()` rejects with one if
 * no client has the name
 *
 * @example
 * ```ts
 * const builder = Test.createTestingModule({ imports: [AppModule] });
 * const app = await overrideLlm(builder, new FakeLlm(['It was sent.']), 'support').compile();
 * ```
 */
export function overrideLlm<B extends OverridableBuilder>(
  builder: B,
  provider: LlmProvider,
  name?: string,
): B {
  const known = builder as KnownBuilder;
  if (typeof known?.overrideProvider !== 'function' || isCompiled(known)) {
    refuse('needs the builder that Test.createTestingModule() returns, before its compile()');
  }
  if (!isProvider(provider)) {
    refuse(
      'needs a provider as its second argument: a FakeLlm, or an object that implements LlmProvider',
    );
  }
  if (name !== undefined && (typeof name !== 'string' || name === '')) {
    refuse(
      "needs the name of a client as its third argument, or none, for every client; 'default' is that of forRoot",
    );
  }
  standInsOf(known).set(provider, name);
  return builder;
}

function refuse(what: string): never {
  throw new CallbacksConfigurationError(`overrideLlm ${what}.`);
}

/** A builder scans its modules when it compiles, and has none before. */
function isCompiled({ container }: KnownBuilder): boolean {
  return (container?.getModules?.().size ?? 0) > 0;
}

/** The replacement providers of a builder, which installs them in its application. */
function standInsOf(builder: KnownBuilder): StandIns {
  const kept = builder[STAND_INS];
  if (kept !== undefined) return kept;
  const standIns = new StandIns();
  const compile = builder.compile.bind(builder);
  Object.defineProperty(builder, STAND_INS, { value: standIns });
  builder.overrideProvider(STAND_INS).useValue(standIns);
  // When it is compiled, all clients are known.
  builder.compile = async (...options: []) => {
    const module = await compile(...options);
    standIns.check();
    return module;
  };
  return standIns;
}
