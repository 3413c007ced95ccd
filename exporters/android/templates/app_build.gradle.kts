import org.jetbrains.kotlin.gradle.dsl.JvmTarget

plugins {
    id("com.android.application")
    id("org.jetbrains.kotlin.android")
}

android {
    namespace = "%%{package}"
    compileSdk = %%{compile_sdk}

    defaultConfig {
        applicationId = "%%{package}"
        minSdk = %%{min_sdk} // litert needs 23, litert-gpu 24
        targetSdk = %%{compile_sdk}
        versionCode = 1
        versionName = "1.0"
        testInstrumentationRunner = "androidx.test.runner.AndroidJUnitRunner"
    }
    androidResources { noCompress += "tflite" } // so that the model is mapped, not copied
    compileOptions {
        sourceCompatibility = JavaVersion.VERSION_17
        targetCompatibility = JavaVersion.VERSION_17
    }
}

kotlin {
    compilerOptions { jvmTarget = JvmTarget.JVM_17 }
}

dependencies {
    implementation("com.google.ai.edge.litert:litert:%%{litert}")
    implementation("com.google.ai.edge.litert:litert-gpu:%%{litert}") // without it: the CPU
    implementation("androidx.exifinterface:exifinterface:%%{exifinterface}")
    implementation("androidx.activity:activity:1.10.1") // the photo picker
    androidTestImplementation("androidx.test:runner:1.6.2")
    androidTestImplementation("androidx.test.ext:junit:1.2.1")
}
