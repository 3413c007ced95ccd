// A stub of Android's Bundle.
package android.os

class Bundle
