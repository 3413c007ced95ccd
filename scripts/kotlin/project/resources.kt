// A stub of Android's own resources.
package android

object R {
    object layout {
        const val simple_spinner_dropdown_item = 1
    }
}
