/** The owner of an instance of a request-scoped provider: a request, or a tree of runs outside of a request. */
export interface InstanceOwner {
  readonly request?: object | undefined;
  /** The root of the tree. */
  readonly root: object;
}

/** Finds the instances of one provider that is request-scoped, durable, or depends on something that is. */
export interface InstanceSource {
  /** The owner's instance, the same each time: synchronously if it exists, otherwise as a promise. */
  of(owner: InstanceOwner): object | Promise<object>;
}
