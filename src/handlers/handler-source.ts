/** Where handlers come from; asked before a run's handlers are looked up, so that providers that came since are heard. */
export abstract class HandlerSource {
  abstract refresh(): void;
}
