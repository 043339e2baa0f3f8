/** A class with a known name. */
class BuildProbe {}

/** Whether a minifier has renamed the classes of this build, and so probably the application's classes. */
export const IS_MINIFIED = BuildProbe.name !== 'BuildProbe';
