/** Whose instance of a request-scoped provider is wanted: a request's, or that of a tree of runs outside of one. */
export interface InstanceOwner {
  readonly request?: object | undefined;
  /** The root of the tree. */
  readonly root: object;
}

/** Finds the instances of one provider that is request-scoped, durable, or depends on something that is. */
export interface InstanceSource {
  /** The owner's instance, the same each time: at once when it is there, else a promise of it. */
  of(owner: InstanceOwner): object | Promise<object>;
}
