/** Where handlers come from. Called before a run's handlers are looked up, so that new providers are included. */
export abstract class HandlerSource {
  abstract refresh(): void;
}
