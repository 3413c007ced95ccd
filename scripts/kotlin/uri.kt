// A stub of Android's Uri: the path of a file.
package android.net

class Uri(val path: String)
